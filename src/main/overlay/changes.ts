// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Change } from '@shared/changes';
import { ChangeScan, foundNames, type FoundName } from './change-scan';
import type { OverlayStack } from './stack';

/** A change, with the whiteout that a rename has left in the old place: an upper path, null where there is none. */
export interface FoundChange extends Change {
  readonly whiteout: ByteString | null;
}

/**
 * Everything that the upper of a stack changes, in the order of a walk: a directory before what is in it.
 * @param compare whether files of equal size are compared byte by byte; else they count as modified
 * @throws Failure where the stack has no upper, SystemError where the upper cannot be read
 */
export function changesOf(stack: OverlayStack, compare = true): FoundChange[] {
  const scan = new ChangeScan(stack, compare);
  const search = scan.run();
  while (!search.next().done);
  return settleChanges(scan);
}

/**
 * The changes of what a search has found: names that belong together are made one. The whiteout that a rename leaves is
 * part of the rename; what was made in the place of something that is elsewhere now is new; and a redirect to what is
 * still seen in its old place is one more name for it (a hard link, semantics 4.3).
 */
export function settleChanges(scan: ChangeScan): FoundChange[] {
  const names = [...foundNames(scan.root)];
  const hidden = new Map<string, FoundName>();
  const taken = new Set<string>();
  for (const name of names) {
    for (const key of name.hides) hidden.set(key, name);
    if (name.takes !== null) taken.add(name.takes);
  }
  const changes: FoundChange[] = scan.rootChange ? [{ ...scan.rootChange, whiteout: null }] : [];
  for (const name of names) {
    const change = settled(name, hidden, taken);
    if (change) changes.push(change);
  }
  return changes;
}

function settled(
  name: FoundName,
  hidden: ReadonlyMap<string, FoundName>,
  taken: ReadonlySet<string>,
): FoundChange | null {
  const change = withError(name);
  if (!change) return null;
  const isElsewhere = name.hides[0] !== undefined && taken.has(name.hides[0]);
  if (change.kind === 'deleted') return isElsewhere ? null : { ...change, whiteout: null };
  if (change.kind === 'renamed') return renamed(change, name.takes!, hidden, taken);
  return isElsewhere ? { ...change, kind: 'added', differs: [], whiteout: null } : { ...change, whiteout: null };
}

/** A directory that cannot be looked into is told, whatever else it is. */
function withError({ change, folder, path }: FoundName): Change | null {
  const error = folder?.error ?? null;
  if (error === null) return change;
  const plain: Change = { path, kind: 'metadata', type: 'directory', size: 0, differs: [], oldPath: null, error };
  return { ...(change ?? plain), error };
}

function renamed(
  change: Change,
  takes: string,
  hidden: ReadonlyMap<string, FoundName>,
  taken: ReadonlySet<string>,
): FoundChange {
  const oldPlace = hidden.get(takes);
  const isLink = change.type !== 'directory' && !oldPlace && !isBelowHidden(takes, hidden, taken);
  if (isLink) return { ...change, kind: 'added', differs: ['link'], whiteout: null };
  return { ...change, whiteout: oldPlace?.change?.kind === 'deleted' ? oldPlace.path : null };
}

/** Whether a directory above a lower object is removed; one that was only renamed took the object along. */
function isBelowHidden(key: string, hidden: ReadonlyMap<string, FoundName>, taken: ReadonlySet<string>): boolean {
  for (let at = key.lastIndexOf('/'); at > key.indexOf('/'); at = key.lastIndexOf('/', at - 1)) {
    const above = key.slice(0, at);
    if (hidden.has(above)) return !taken.has(above);
  }
  return false;
}
