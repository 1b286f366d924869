// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { EntryRow, FileKind, RowFlag } from '@shared/view';
import { errnoName } from '../system/libc';
import { S_IFMT, type Stat } from '../system/stat';
import { capturedRedirect } from './capture';
import { isMerged, realsOf, topOf, type Entry, type Real } from './entry';
import { dataOf, locateData } from './file-data';
import type { HiddenName } from './hidden';
import { overlayXattr } from './overlay-xattr';
import type { OverlayStack } from './stack';

const KINDS: Readonly<Record<number, FileKind>> = {
  0o140000: 'socket',
  0o120000: 'symlink',
  0o100000: 'file',
  0o060000: 'block',
  0o040000: 'directory',
  0o020000: 'char',
  0o010000: 'fifo',
};

export const kindOf = (stat: Stat): FileKind => KINDS[stat.mode & S_IFMT] ?? 'file';

function metadataOf(stat: Stat): Pick<EntryRow, 'size' | 'mode' | 'uid' | 'gid' | 'mtime' | 'rdev'> {
  const { size, mode, uid, gid, mtime, mtimeNs, rdevMajor, rdevMinor } = stat;
  const kind = kindOf(stat);
  const rdev = kind === 'char' || kind === 'block' ? ([rdevMajor, rdevMinor] as const) : null;
  return { size, mode, uid, gid, mtime: mtime * 1000 + Math.floor(mtimeNs / 1e6), rdev };
}

/** The row of a name that lookup found. */
export function entryRow(stack: OverlayStack, node: number, entry: Entry): EntryRow {
  const top = topOf(entry);
  const kind = kindOf(top.stat);
  const missing = locateData(stack, entry);
  const flags: RowFlag[] = [];
  if (kind === 'directory') {
    if (isMerged(entry)) flags.push('merged');
    if (realsOf(entry).some((real) => overlayXattr(stack, real, stack.names.opaque) === 'y')) flags.push('opaque');
  }
  if (entry.metacopy) flags.push('metacopy');
  if ((kind === 'directory' || entry.metacopy) && overlayXattr(stack, top, stack.names.redirect) !== null)
    flags.push('redirect');
  if (capturedRedirect(stack, entry) !== null) flags.push('captured');
  return {
    node,
    name: display(entry.name),
    kind,
    ...metadataOf(top.stat),
    layers: kind === 'directory' ? realsOf(entry).map(({ layer }) => layer.index) : [top.layer.index],
    dataLayer: entry.metacopy ? (dataLayerOf(entry)?.index ?? null) : null,
    flags,
    error: missing === null ? null : errnoName(missing),
  };
}

const dataLayerOf = (entry: Entry): Real['layer'] | null =>
  entry.lazyData === null ? (dataOf(entry)?.layer ?? null) : (entry.foundData?.layer ?? null);

/** The row of a name that readdir lists and lookup refuses. */
export function listedRow(node: number, name: ByteString, error: string, layer: number | null): EntryRow {
  return {
    node,
    name: display(name),
    kind: 'unknown',
    size: 0,
    mode: 0,
    uid: 0,
    gid: 0,
    mtime: 0,
    rdev: null,
    layers: layer === null ? [] : [layer],
    dataLayer: null,
    flags: ['listed'],
    error,
  };
}

/** The row of a name that is not visible: what it would be, and the layer that hides it. */
export function hiddenRow(node: number, { name, objects }: HiddenName): EntryRow {
  const whiteout = objects.find((object) => object.whiteout);
  const shown = objects.find((object) => !object.whiteout) ?? objects[0]!;
  return {
    node,
    name: display(name),
    kind: kindOf(shown.stat),
    ...metadataOf(shown.stat),
    layers: [(whiteout ?? shown).layer.index],
    dataLayer: null,
    flags: whiteout ? ['whiteout', ...(shown.whiteout ? [] : (['hidden'] as const))] : ['hidden'],
    error: null,
  };
}
