// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { RealDirectory } from '../layers/real-directory';
import type { DirectoryEntry } from '../system/files';
import { ERRNO, SystemError } from '../system/libc';
import { statAt, type Stat } from '../system/stat';
import type { OverlayStack } from './stack';

/*
 * The whiteouts of OCI image layers, which stand beside what they speak of (semantics 8.4): `.wh.NAME` takes NAME away
 * from the layers below, `.wh..wh..opq` in a directory all its names. A container engine with a mount program unpacks
 * layers as they are, these files included, and packs an upper as it is. A stack with `whiteouts=oci` reads them in
 * every layer, beside the kernel's own forms, and writes them.
 */
const PREFIX = '.wh.';
const RESERVED = '.wh..wh.';
const NAME_MAX = 255;

/** In a directory: nothing from below merges with it. */
export const OPAQUE_MARK = '.wh..wh..opq';

/** Names that the merged tree never has. */
export const isMarkName = (name: ByteString): boolean => name.startsWith(PREFIX);

/** The name of the file that takes a name away; null for one that is too long for that. */
export const markOf = (name: ByteString): ByteString | null =>
  name.length + PREFIX.length > NAME_MAX ? null : PREFIX + name;

/** The name that a mark takes away; null for `.wh..wh..opq` and what else is reserved. */
export const removedBy = (mark: ByteString): ByteString | null =>
  mark.startsWith(RESERVED) ? null : mark.slice(PREFIX.length);

/** The mark that takes a name away in a directory of one layer, or null. */
export function findMark(stack: OverlayStack, directory: RealDirectory, name: ByteString): Stat | null {
  const mark = stack.ociWhiteouts ? markOf(name) : null;
  if (mark === null) return null;
  const stat = statAt(stack.directories.fdOf(directory), mark);
  return typeof stat === 'number' ? null : stat;
}

/** Whether a directory of one layer is marked as opaque: by the file in it, or as a removed name that is there again. */
export function isMarkedOpaque(stack: OverlayStack, parent: RealDirectory, name: ByteString): boolean {
  if (!stack.ociWhiteouts) return false;
  const inside = statAt(stack.directories.fdOf(parent), `${name}/${OPAQUE_MARK}`);
  return typeof inside !== 'number' || (name !== '.' && findMark(stack, parent, name) !== null);
}

/** What is listed in a directory of one layer: the names, without marks, and those that marks take away. */
export function withoutMarks(
  stack: OverlayStack,
  entries: DirectoryEntry[],
): { readonly names: DirectoryEntry[]; readonly removed: readonly ByteString[] } {
  if (!stack.ociWhiteouts || !entries.some(({ name }) => isMarkName(name))) return { names: entries, removed: [] };
  const removed = entries.filter(({ name }) => isMarkName(name)).map(({ name }) => removedBy(name));
  return {
    names: entries.filter(({ name }) => !isMarkName(name)),
    removed: removed.filter((name) => name !== null),
  };
}

/** Throws EINVAL for a name that would be a mark in the upper, as fuse-overlayfs does (semantics 8.1). */
export function refuseMarkName(stack: OverlayStack, name: ByteString): void {
  if (stack.ociWhiteouts && isMarkName(name)) throw new SystemError(ERRNO.EINVAL, 'create', name);
}
