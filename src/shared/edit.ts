// SPDX-License-Identifier: MIT
import type { ByteString } from './bytes';
import type { Composition, Lane, LayerEntry } from './composition';
import type { OptionFix } from './option-types';
import type { OptionName } from './option-values';

/** Every change a user can make to a composition; drag, keys, menus and paste all end in one of these. */
export type Edit =
  /** New layers at `position` of a lane, the first one on top. In the upper lane the first path takes the place. */
  | { readonly type: 'add'; readonly lane: Lane; readonly position: number; readonly paths: readonly ByteString[] }
  /** `position` counts in the lane as it is before the move. */
  | { readonly type: 'move'; readonly id: string; readonly lane: Lane; readonly position: number }
  | { readonly type: 'remove'; readonly id: string }
  | { readonly type: 'workdir'; readonly path: ByteString }
  | { readonly type: 'rename'; readonly name: string }
  /** null takes an option off the command line. */
  | { readonly type: 'options'; readonly set: OptionFix['set'] }
  | { readonly type: 'mountpoint'; readonly path: ByteString | null };

/** The id that `stackOf` gives the upper layer. */
export const UPPER_ID = 'upper';

/** `composition` after `edit`; the same object where nothing changes. */
export function applyEdit(composition: Composition, edit: Edit): Composition {
  switch (edit.type) {
    case 'add':
      return add(composition, edit.lane, edit.position, edit.paths);
    case 'move':
      return move(composition, edit.id, edit.lane, edit.position);
    case 'remove':
      return remove(composition, edit.id);
    case 'workdir':
      if (!composition.upper || composition.upper.workdir === edit.path) return composition;
      return { ...composition, upper: { ...composition.upper, workdir: edit.path } };
    case 'rename':
      return edit.name.trim() === '' || edit.name === composition.name
        ? composition
        : { ...composition, name: edit.name };
    case 'options':
      return setOptions(composition, edit.set);
    case 'mountpoint':
      return edit.path === composition.mountpoint ? composition : { ...composition, mountpoint: edit.path };
  }
}

function add(composition: Composition, lane: Lane, position: number, paths: readonly ByteString[]): Composition {
  const [first, ...rest] = paths;
  if (first === undefined) return composition;
  if (lane === 'upper') {
    // The lane holds one. What was there becomes the top lower rather than being lost; so do further paths.
    const { upper } = composition;
    const below = [...rest, ...(upper ? [upper.path] : [])];
    return add({ ...composition, upper: { path: first, workdir: upper?.workdir ?? '' } }, 'lower', 0, below);
  }
  const entries = withIds(composition, paths);
  return lane === 'lower'
    ? { ...composition, lowers: inserted(composition.lowers, position, entries) }
    : { ...composition, data: inserted(composition.data, position, entries) };
}

function move(composition: Composition, id: string, lane: Lane, position: number): Composition {
  if (id === UPPER_ID) {
    const { upper } = composition;
    if (!upper || lane === 'upper') return composition;
    return add({ ...composition, upper: null }, lane, position, [upper.path]);
  }
  const from: Lane = composition.lowers.some((entry) => entry.id === id) ? 'lower' : 'data';
  const source = from === 'lower' ? composition.lowers : composition.data;
  const at = source.findIndex((entry) => entry.id === id);
  const entry = source[at];
  if (!entry) return composition;
  const without = remove(composition, id);
  if (lane === 'upper') {
    // The two change places, and the workdir stays with the lane.
    const { upper } = composition;
    const raised = { ...without, upper: { path: entry.path, workdir: upper?.workdir ?? '' } };
    return upper ? add(raised, from, at, [upper.path]) : raised;
  }
  const target = lane === from && position > at ? position - 1 : position;
  if (lane === from && target === at) return composition;
  return lane === 'lower'
    ? { ...without, lowers: inserted(without.lowers, target, [entry]) }
    : { ...without, data: inserted(without.data, target, [entry]) };
}

function remove(composition: Composition, id: string): Composition {
  if (id === UPPER_ID) return composition.upper ? { ...composition, upper: null } : composition;
  const keep = (entry: LayerEntry): boolean => entry.id !== id;
  const lowers = composition.lowers.filter(keep);
  const data = composition.data.filter(keep);
  if (lowers.length === composition.lowers.length && data.length === composition.data.length) return composition;
  return { ...composition, lowers, data };
}

function setOptions(composition: Composition, set: OptionFix['set']): Composition {
  const options: Partial<Record<OptionName, string | true>> = { ...composition.options };
  for (const [name, value] of Object.entries(set) as [OptionName, string | true | null][]) {
    if (value === null) delete options[name];
    else options[name] = value;
  }
  const same = JSON.stringify(options) === JSON.stringify(composition.options);
  // The values come from OPTION_SPECS and from fixes, which spell them as the kernel does; main checks them again.
  return same ? composition : { ...composition, options: options as Composition['options'] };
}

/** Ids derived from those in use, not drawn by lot: the same edit always gives the same composition. */
function withIds(composition: Composition, paths: readonly ByteString[]): LayerEntry[] {
  const used = new Set([...composition.lowers, ...composition.data].map((entry) => entry.id));
  let next = 1;
  return paths.map((path) => {
    while (used.has(`l${next}`)) next++;
    return { id: `l${next++}`, path };
  });
}

function inserted(list: readonly LayerEntry[], position: number, entries: readonly LayerEntry[]): LayerEntry[] {
  const at = Math.max(0, Math.min(position, list.length));
  return [...list.slice(0, at), ...entries, ...list.slice(at)];
}
