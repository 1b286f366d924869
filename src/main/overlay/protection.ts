// SPDX-License-Identifier: MIT
import { ERRNO, SystemError } from '../system/libc';
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../system/file-flags';
import { STATX_ATTR_APPEND, STATX_ATTR_IMMUTABLE } from '../system/stat';
import { pathOf, topOf, type Entry } from './entry';
import { overlayXattr } from './overlay-xattr';
import type { OverlayStack } from './stack';

/**
 * The flags `a` and `i` of an object: its real ones, and those that the upper keeps in `overlay.protattr`, as it could
 * not be copied up with them (semantics 1.1, 4.2). As `FS_*_FL` bits.
 */
export function protectionOf(stack: OverlayStack, entry: Entry): number {
  const real = topOf(entry);
  let flags = 0;
  if ((real.stat.attributes & STATX_ATTR_APPEND) !== 0) flags |= FS_APPEND_FL;
  if ((real.stat.attributes & STATX_ATTR_IMMUTABLE) !== 0) flags |= FS_IMMUTABLE_FL;
  const marks = overlayXattr(stack, real, stack.names.protattr) ?? '';
  if (marks.includes('a')) flags |= FS_APPEND_FL;
  if (marks.includes('i')) flags |= FS_IMMUTABLE_FL;
  return flags;
}

/** Throws EPERM where an immutable or append-only object would be changed, as the kernel does for every file system. */
export function refuseProtected(stack: OverlayStack, entry: Entry, flags = FS_IMMUTABLE_FL | FS_APPEND_FL): void {
  if ((protectionOf(stack, entry) & flags) !== 0) throw new SystemError(ERRNO.EPERM, 'change', pathOf(entry));
}
