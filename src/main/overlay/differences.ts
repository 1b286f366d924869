// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Difference } from '@shared/changes';
import { isDirectory, isRegular, type Stat } from '../system/stat';
import { getXattrAt, listXattrsAt } from '../system/xattr';
import type { Real } from './entry';
import type { OverlayStack } from './stack';
import { visibleName, type OverlayXattrs } from './xattr-names';

const PERMISSIONS = 0o7777;

/**
 * In what the metadata of two objects differ, as a copy-up would have kept them (semantics 4.2). Reading changes the
 * access time and every change of a name the mtime of its directory: neither says that somebody changed the object.
 */
export function statDifferences(upper: Stat, below: Stat): Difference[] {
  const differs: Difference[] = [];
  if ((upper.mode & PERMISSIONS) !== (below.mode & PERMISSIONS)) differs.push('mode');
  if (upper.uid !== below.uid) differs.push('owner');
  if (upper.gid !== below.gid) differs.push('group');
  const sameTime = upper.mtime === below.mtime && upper.mtimeNs === below.mtimeNs;
  if (!isDirectory(upper.mode) && !sameTime) differs.push('mtime');
  return differs;
}

/** Names of the attributes that the mount shows, as stored: escaped ones are copied up as they are (semantics 1.1). */
export const sharedAttributes = (stored: readonly ByteString[], names: OverlayXattrs): ByteString[] =>
  stored.filter((name) => visibleName(name, names) !== null);

/**
 * In what the metadata of two real objects differ, their visible attributes among them.
 * @param other the stack that `below` is in, where it is another one
 */
export function metadataDifferences(stack: OverlayStack, upper: Real, below: Real, other = stack): Difference[] {
  const differs = statDifferences(upper.stat, below.stat);
  if (!sameXattrs(stack, upper, below, other)) differs.push('xattrs');
  return differs;
}

/** The visible attributes of an object, as stored; of files and directories the lookup has listed them. */
export function attributesOf(stack: OverlayStack, { parent, name, stat, xattrs }: Real): ByteString[] {
  if (isRegular(stat.mode) || isDirectory(stat.mode)) return sharedAttributes(xattrs, stack.names);
  const listed = listXattrsAt(stack.directories.fdOf(parent), name);
  return typeof listed === 'number' ? [] : sharedAttributes(listed, stack.names);
}

function sameXattrs(stack: OverlayStack, upper: Real, below: Real, other: OverlayStack): boolean {
  const ours = attributesOf(stack, upper);
  const theirs = attributesOf(other, below);
  if (ours.length !== theirs.length) return false;
  return ours.every((name) => theirs.includes(name) && valueOf(stack, upper, name) === valueOf(other, below, name));
}

/** Value of an attribute by its stored name, or the negative errno. */
export const valueOf = (stack: OverlayStack, { parent, name }: Real, attribute: ByteString): ByteString | number =>
  getXattrAt(stack.directories.fdOf(parent), name, attribute);
