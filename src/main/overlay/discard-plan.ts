// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { display, type ByteString } from '@shared/bytes';
import type { DiscardItem, DiscardPlan } from '@shared/changes';
import { Failure } from '@shared/failure';
import { RealDirectory } from '../layers/real-directory';
import { visitTree } from '../layers/remove-tree';
import { isRegular } from '../system/stat';
import { listXattrsAt } from '../system/xattr';
import { changesOf, type FoundChange } from './changes';
import { isWhiteout } from './probe';
import type { OverlayStack } from './stack';

/** The directory of the upper that holds a path, and the last name. */
export function placeInUpper(
  stack: OverlayStack,
  path: ByteString,
): { readonly directory: RealDirectory; readonly name: ByteString } {
  const names = path.split('/').filter((name) => name !== '');
  const name = names.pop() ?? '.';
  let directory = stack.root.upper!.directory!;
  for (const above of names) directory = new RealDirectory(directory.layer, directory, above);
  return { directory, name };
}

/**
 * What undoing changes would take away from the upper (semantics 1.3, 4.4): an object that was added or copied up goes,
 * with all that is in it, and what it hid is seen again; so it is with a whiteout. A rename goes with the whiteout that
 * it left, so that the old name comes back; a directory that takes renamed objects with it brings those back too. Of a
 * directory that only has other metadata, these are set back, and what is in it stays.
 * @param paths of changes, as `changesOf` tells them; null for all that this user may undo
 * @throws Failure ENOENT where nothing has changed at a path, EPERM where only root could undo it; SystemError where
 *         the upper cannot be read
 */
export function planDiscard(stack: OverlayStack, paths: readonly ByteString[] | null): DiscardPlan {
  // Whether data differ does not matter: the copy goes anyway.
  const changes = changesOf(stack, false);
  const wanted = paths === null ? changes.filter(mayUndo) : chosen(changes, paths);
  const positions = new Map(changes.map(({ path }, at) => [path, at]));
  const going = new Set(wanted.filter((change) => !isRestored(change)).map(({ path }) => path));
  const items = wanted
    .filter(({ path }) => !isCovered(path, going))
    .map((change) => itemOf(stack, change, whiteoutsWith(positions.get(change.path)!, changes, going)));
  const total = (of: (item: DiscardItem) => number): number => items.reduce((sum, item) => sum + of(item), 0);
  return {
    items,
    objects: total(({ objects }) => objects),
    whiteouts: total(({ whiteouts }) => whiteouts),
    bytes: total(({ bytes }) => bytes),
    token: createHash('sha256').update(JSON.stringify(items)).digest('hex'),
  };
}

function chosen(changes: readonly FoundChange[], paths: readonly ByteString[]): FoundChange[] {
  const byPath = new Map(changes.map((change) => [change.path, change]));
  return [...new Set(paths)].map((path) => {
    const change = byPath.get(path);
    if (change && !mayUndo(change)) {
      throw new Failure(
        'EPERM',
        `${display(path)}: only root can give it the owner of the one below (EPERM).`,
        'Discard this change as root.',
      );
    }
    if (change) return change;
    throw new Failure(
      'ENOENT',
      `${display(path)}: nothing has changed there, or not any more.`,
      'Look at the changes again; a path is that of a change, not of something below it.',
    );
  });
}

/** Only the metadata of a directory can be set back in place. */
const isRestored = ({ kind, type }: FoundChange): boolean => kind === 'metadata' && type === 'directory';

/** Nobody but root may give a directory to somebody else: an upper of one's own over lowers of root's differs in that. */
const mayUndo = (change: FoundChange): boolean =>
  !isRestored(change) ||
  process.getuid?.() === 0 ||
  !change.differs.some((difference) => difference === 'owner' || difference === 'group');

/** Whether a directory above goes as a whole. */
function isCovered(path: ByteString, going: ReadonlySet<ByteString>): boolean {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    if (going.has(path.slice(0, at))) return true;
  return false;
}

/** The whiteouts that renames at a path and inside of it have left, but for those that go with a directory anyway. */
function whiteoutsWith(
  position: number,
  changes: readonly FoundChange[],
  going: ReadonlySet<ByteString>,
): ByteString[] {
  const left = new Set<ByteString>();
  const { path } = changes[position]!;
  // A directory stands before what is in it, without a gap.
  for (let at = position; at < changes.length; at++) {
    const change = changes[at]!;
    if (change.path !== path && !change.path.startsWith(`${path}/`)) break;
    if (change.whiteout !== null && !isCovered(change.whiteout, going)) left.add(change.whiteout);
  }
  return [...left];
}

function itemOf(stack: OverlayStack, change: FoundChange, whiteouts: readonly ByteString[]): DiscardItem {
  const { path, kind, oldPath } = change;
  const counts = { objects: 0, whiteouts: 0, bytes: 0 };
  if (isRestored(change)) return { path, kind, oldPath, removes: [], restores: true, ...counts };
  // The whiteouts first: should anything fail then, nothing is out of sight.
  const removes = [...whiteouts, path];
  for (const removed of removes) count(stack, removed, counts);
  return { path, kind, oldPath, removes, restores: false, ...counts };
}

function count(
  stack: OverlayStack,
  path: ByteString,
  counts: { objects: number; whiteouts: number; bytes: number },
): void {
  const { directory, name } = placeInUpper(stack, path);
  const shown = stack.root.upper!.layer.path + path;
  visitTree(stack.directories.fdOf(directory), name, shown, ({ dirfd, name: found, stat }) => {
    const xattrs = stat.size === 0 && isRegular(stat.mode) ? listXattrsAt(dirfd, found) : [];
    if (isWhiteout(stat, typeof xattrs === 'number' ? [] : xattrs, stack.names.whiteout)) counts.whiteouts++;
    else counts.objects++;
    if (isRegular(stat.mode)) counts.bytes += stat.size;
  });
}
