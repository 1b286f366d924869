// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { closeFile, O_NOFOLLOW, O_PATH, openAt } from '../system/files';
import { ERRNO, must, SystemError } from '../system/libc';
import { removeDirectoryAt, unlinkAt } from '../system/names';
import { statAt } from '../system/stat';
import { getXattrAt, listXattrsAt } from '../system/xattr';
import { areaOf, copyUp } from './copy-up';
import { refresh } from './marks';
import { pathOf, realsOf, topOf, type Entry } from './entry';
import { dropFromIndex, keepLinks, needsIndex, unionLinks } from './index-directory';
import { isWhiteout } from './probe';
import { isListedWhiteout, readReal } from './readdir';
import type { OverlayStack } from './stack';
import { findMark, withoutMarks } from './whiteout-names';

/**
 * Removes a name (semantics 4.4): a pure upper object goes, of one that exists below a whiteout stays. An upper object
 * is kept open, as a program may still use it; `release` lets go of it.
 * @throws SystemError ENOTEMPTY, EPERM, EROFS and what the upper's file system says
 */
export function removeName(stack: OverlayStack, entry: Entry): void {
  const area = areaOf(stack);
  const isDirectory = topOf(entry).directory !== null;
  const parent = entry.parent!;
  const below = existsBelow(stack, parent, entry.name);
  if (isDirectory && (below || !isPureUpper(stack, entry))) refuseNames(stack, entry);
  copyUp(stack, parent, 'metadata');
  beginUnlink(stack, entry);
  const directory = parent.upper!.directory!;
  holding(stack, entry, () => {
    const dirfd = stack.directories.fdOf(directory);
    if (below) area.whiteOut(dirfd, entry.name, isDirectory && entry.upper !== null);
    else removeUpper(stack, entry, dirfd, isDirectory);
  });
  refresh(stack, parent.upper!);
  afterUnlink(stack, entry);
}

/** A pure upper object. A directory that holds nothing but whiteouts goes with them. */
function removeUpper(stack: OverlayStack, entry: Entry, dirfd: number, isDirectory: boolean): void {
  if (!isDirectory) return void must(unlinkAt(dirfd, entry.name), 'unlink', pathOf(entry));
  const removed = removeDirectoryAt(dirfd, entry.name);
  if (removed !== -ERRNO.ENOTEMPTY || isPureUpper(stack, entry)) return void must(removed, 'rmdir', pathOf(entry));
  const area = areaOf(stack);
  const temporary = area.temporaryName();
  must(area.takeOut(dirfd, entry.name, temporary), 'rename', pathOf(entry));
  area.discard(temporary);
}

/** Keeps an upper object reachable whatever becomes of its name. */
export function hold(stack: OverlayStack, { upper }: Entry): void {
  if (!upper || upper.fd >= 0) return;
  upper.fd = Math.max(openAt(stack.directories.fdOf(upper.parent), upper.name, O_PATH | O_NOFOLLOW), -1);
}

/** Keeps an upper object reachable while its name goes, and after that; but not where the name stays. */
export function holding(stack: OverlayStack, entry: Entry, remove: () => void): void {
  const { upper } = entry;
  const fd = upper ? openAt(stack.directories.fdOf(upper.parent), upper.name, O_PATH | O_NOFOLLOW) : -1;
  try {
    remove();
  } catch (error) {
    if (fd >= 0) closeFile(fd);
    throw error;
  }
  if (upper) upper.fd = fd;
}

/** Lets go of an object that `removeName` kept. */
export function release(entry: Entry): void {
  if (!entry.upper || entry.upper.fd < 0) return;
  closeFile(entry.upper.fd);
  entry.upper.fd = -1;
}

/** Before a name goes: an indexed lower hard link is copied up, so that its count of names can be kept (semantics 1.7). */
export function beginUnlink(stack: OverlayStack, entry: Entry): void {
  if (needsIndex(stack, entry) && (!entry.upper || entry.upperUnnamed)) copyUp(stack, entry, 'metadata');
  if (entry.indexed) keepLinks(stack, entry, unionLinks(stack, entry));
}

/** After a name went: counts, and the index entry with the last one. */
export function afterUnlink(stack: OverlayStack, entry: Entry): void {
  if (!entry.upper) return;
  refresh(stack, entry.upper);
  if (entry.indexed && unionLinks(stack, entry) === 0) dropFromIndex(stack, entry);
}

/**
 * Whether a lower has something under this name that would show without the upper (the kernel's ovl_lower_positive):
 * the first lower component that has the name decides.
 */
export function existsBelow(stack: OverlayStack, parent: Entry, name: ByteString): boolean {
  for (const { directory } of parent.lowers) {
    const fd = stack.directories.fdOf(directory!);
    const stat = statAt(fd, name);
    if (stat === -ERRNO.ENOENT && findMark(stack, directory!, name)) return false;
    if (stat === -ERRNO.ENOENT || stat === -ERRNO.ENAMETOOLONG) continue;
    if (typeof stat === 'number') return true;
    const xattrs = listXattrsAt(fd, name);
    return !isWhiteout(stat, typeof xattrs === 'number' ? [] : xattrs, stack.names.whiteout);
  }
  return false;
}

/**
 * Nothing below it, and no whiteouts of former lowers in it (the kernel's ovl_pure_upper). Of marks (`.wh.NAME`) nobody
 * can know: they are no names of the tree, and must not keep a directory from being removed.
 */
export function isPureUpper(stack: OverlayStack, entry: Entry): boolean {
  return !stack.ociWhiteouts && entry.lowers.length === 0 && !topOf(entry).xattrs.includes(stack.names.origin);
}

/**
 * Throws ENOTEMPTY where a directory of the merged tree has names (semantics 3.3). Of a pure upper one the file system
 * tells when it is removed, and whiteouts count.
 */
export function checkEmpty(stack: OverlayStack, entry: Entry): void {
  if (isPureUpper(stack, entry)) return;
  refuseNames(stack, entry);
}

function refuseNames(stack: OverlayStack, entry: Entry): void {
  if (hasNames(stack, entry)) throw new SystemError(ERRNO.ENOTEMPTY, 'rmdir', pathOf(entry));
}

/** Whether a directory has names that `rmdir` minds; an xattr whiteout of a lower is one, as for the kernel. */
function hasNames(stack: OverlayStack, entry: Entry): boolean {
  const seen = new Set<ByteString>(['.', '..']);
  for (const real of realsOf(entry)) {
    const { names, removed } = withoutMarks(stack, readReal(stack, real.directory!));
    for (const found of names) {
      if (seen.has(found.name)) continue;
      seen.add(found.name);
      if (!isListedWhiteout(stack, real, found)) return true;
    }
    for (const name of removed) seen.add(name);
  }
  return false;
}

/** The value of `overlay.opaque` is `y` on the upper directory. */
export function isOpaque(stack: OverlayStack, entry: Entry): boolean {
  const { upper } = entry;
  if (!upper?.xattrs.includes(stack.names.opaque)) return false;
  return getXattrAt(stack.directories.fdOf(upper.parent), upper.name, stack.names.opaque) === 'y';
}
