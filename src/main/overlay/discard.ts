// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { DiscardItem, DiscardPlan } from '@shared/changes';
import { Failure } from '@shared/failure';
import { removeObject, removeTree, visitTree, type TreeObject } from '../layers/remove-tree';
import { changeMode, changeOwner } from '../system/attributes';
import { ERRNO, must, SystemError } from '../system/libc';
import { removeDirectoryAt } from '../system/names';
import { isDirectory, statAt } from '../system/stat';
import { getXattrAt, listXattrsAt, removeXattrAt, setXattrAt } from '../system/xattr';
import { metadataDifferences, sharedAttributes } from './differences';
import { placeInUpper, planDiscard } from './discard-plan';
import type { Entry, Real } from './entry';
import { IndexEntries } from './index-entries';
import { lookup } from './lookup';
import { reading } from './reading';
import type { OverlayStack } from './stack';

export interface DiscardRequest {
  /** Of changes, as `changesOf` tells them; null for all. */
  readonly paths: readonly ByteString[] | null;
  /** Of the plan that was agreed to; null where none was shown. */
  readonly token: string | null;
  /** Whose index is kept in step; empty where there is none. */
  readonly workdir: ByteString;
  /** Also removes copied-up directories that nothing is left in: not under a live mount, which knows them. */
  readonly tidy: boolean;
}

/**
 * Undoes changes: takes away from the upper what `planDiscard` says, so that the lowers show again. Touches the disk
 * alone: a live mount on this stack has to forget what it knows of the paths in the plan.
 * @returns what was done
 * @throws Failure ECHANGED where the upper is not what was agreed to any more; ENOENT where a path has no change;
 *         SystemError in the middle where the disk fails: looking at the changes again tells what is left
 */
export function discardChanges(stack: OverlayStack, request: DiscardRequest): DiscardPlan {
  const plan = planDiscard(stack, request.paths);
  if (request.token !== null && request.token !== plan.token) {
    throw new Failure(
      'ECHANGED',
      'The upper has changed since you were shown what goes: nothing was discarded.',
      'Look at the changes again, and decide anew.',
    );
  }
  const index = new IndexEntries(request.workdir);
  try {
    if (plan.whiteouts > 0) index.refuseWhiteouts();
    for (const item of plan.items) discardItem(stack, item, index);
    if (request.tidy) tidy(stack, request.paths === null ? allDirectories(stack) : emptied(plan));
  } finally {
    index.close();
  }
  return plan;
}

const upperPath = (stack: OverlayStack, path: ByteString): ByteString => stack.root.upper!.layer.path + path;

function discardItem(stack: OverlayStack, { path, removes, restores }: DiscardItem, index: IndexEntries): void {
  const remove = (object: TreeObject): void => {
    const entry = index.entryOf(object, stack.names.origin);
    removeObject(object);
    if (entry !== null) index.release(entry);
  };
  for (const removed of removes) {
    const { directory, name } = placeInUpper(stack, removed);
    removeTree(stack.directories.fdOf(directory), name, upperPath(stack, removed), remove);
  }
  if (restores) restoreMetadata(stack, path);
}

/** The entry at a path of the merged tree as it is on disk now, or null. */
function entryAt(stack: OverlayStack, path: ByteString): Entry | null {
  try {
    return path
      .split('/')
      .filter((name) => name !== '')
      .reduce((entry, name) => lookup(reading(stack), entry, name), stack.root);
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}

/** Gives a copied-up directory the owner, mode and visible attributes of the one below (semantics 4.2). */
function restoreMetadata(stack: OverlayStack, path: ByteString): void {
  const entry = entryAt(stack, path);
  const below = entry?.lowers[0];
  if (!entry?.upper || !below) return;
  const { directory, name } = placeInUpper(stack, path);
  const place = { fd: stack.directories.fdOf(directory), name };
  const shown = upperPath(stack, path);
  must(changeOwner(place, below.stat.uid, below.stat.gid), 'chown', shown);
  must(changeMode(place, below.stat.mode & 0o7777), 'chmod', shown);
  const values = attributesOf(stack, below);
  for (const attribute of attributesOf(stack, entry.upper).keys())
    if (!values.has(attribute)) must(removeXattrAt(place, attribute), 'removexattr', shown);
  for (const [attribute, value] of values) must(setXattrAt(place, attribute, value), 'setxattr', shown);
}

function attributesOf(stack: OverlayStack, { parent, name }: Real): Map<ByteString, ByteString> {
  const fd = stack.directories.fdOf(parent);
  const listed = listXattrsAt(fd, name);
  const values = new Map<ByteString, ByteString>();
  for (const attribute of typeof listed === 'number' ? [] : sharedAttributes(listed, stack.names)) {
    const value = getXattrAt(fd, name, attribute);
    if (typeof value === 'string') values.set(attribute, value);
  }
  return values;
}

/** Directories that a plan may have left nothing in. */
const emptied = ({ items }: DiscardPlan): ByteString[] =>
  items.flatMap(({ path, removes, restores }) => [...removes.map(parentOf), ...(restores ? [path] : [])]);

function allDirectories(stack: OverlayStack): ByteString[] {
  const found: ByteString[] = [];
  const root = stack.root.upper!.layer;
  visitTree(stack.directories.fdOf(root.root), '.', root.path, ({ path, stat }) => {
    if (isDirectory(stat.mode)) found.push(path.slice(root.path.length));
  });
  // From the bottom up.
  return found.reverse();
}

/** Removes directories that were copied up for what is gone now, and those above them. */
function tidy(stack: OverlayStack, candidates: readonly ByteString[]): void {
  for (const start of new Set(candidates)) {
    for (let path = start; path !== '' && path !== '/'; path = parentOf(path)) if (!removeIdle(stack, path)) break;
  }
}

const parentOf = (path: ByteString): ByteString => path.slice(0, path.lastIndexOf('/'));

/** Removes a directory of the upper that is empty and changes nothing. */
function removeIdle(stack: OverlayStack, path: ByteString): boolean {
  const { directory, name } = placeInUpper(stack, path);
  try {
    if (typeof statAt(stack.directories.fdOf(directory), name) === 'number') return true;
    const entry = entryAt(stack, path);
    const below = entry?.lowers[0];
    if (!entry?.upper || !below) return false;
    if (entry.upper.xattrs.includes(stack.names.redirect)) return false;
    if (metadataDifferences(stack, entry.upper, below).length > 0) return false;
    const result = removeDirectoryAt(stack.directories.fdOf(directory), name);
    if (result !== 0 && result !== -ERRNO.ENOTEMPTY && result !== -ERRNO.EEXIST)
      throw new SystemError(-result, 'rmdir', upperPath(stack, path));
    return result === 0;
  } catch (error) {
    // A directory above has gone with this discard.
    if (error instanceof SystemError && error.errno === ERRNO.ENOENT) return true;
    throw error;
  }
}
