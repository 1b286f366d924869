// SPDX-License-Identifier: MIT
import { ERRNO, SystemError } from '../system/libc';
import { isRegular, S_IFMT, statAt, type Stat } from '../system/stat';
import { placeOf, type Entry, type Real } from './entry';
import type { OverlayStack } from './stack';

/*
 * Layers are not to be changed under a mount; the kernel's overlayfs does not say what happens then (overlayfs.rst,
 * "Changes to underlying filesystems"). Here nobody gets the size of one file with the content of another: what is not
 * the object any more that was looked up is ESTALE, on which the kernel looks the name up again, and the caller gets
 * what is there now.
 */

/** Whether an object is what it was: of a regular file also its content, as far as size and time tell. */
function isSame(a: Stat, b: Stat): boolean {
  const isObject =
    a.inoLow === b.inoLow &&
    a.inoHigh === b.inoHigh &&
    a.devMinor === b.devMinor &&
    a.devMajor === b.devMajor &&
    ((a.mode ^ b.mode) & S_IFMT) === 0;
  if (!isObject || !isRegular(a.mode)) return isObject;
  return a.size === b.size && a.mtime === b.mtime && a.mtimeNs === b.mtimeNs;
}

/**
 * Refuses to go on with an object of a lower that is another now than at its lookup.
 * @param now its stat, or the negative errno
 * @throws SystemError ESTALE that names the path in the layer
 */
export function refuseChanged(real: Real, now: Stat | number): void {
  const isGone = now === -ERRNO.ENOENT || now === -ERRNO.ENOTDIR;
  if (typeof now === 'number' ? !isGone : isSame(real.stat, now)) return;
  const { layer, parent, name } = real;
  throw new SystemError(
    ERRNO.ESTALE,
    'changed underneath',
    `${layer.path}${parent.path === '/' ? '' : parent.path}/${name}`,
  );
}

/** Whether a lower object of the entry is another now. What has an upper is the upper's, which nobody else changes. */
export function hasChanged(stack: OverlayStack, entry: Entry): boolean {
  if (entry.upper) return false;
  return entry.lowers.some((real) => {
    const { fd, name } = placeOf(stack.directories, real);
    const now = statAt(fd, name);
    return typeof now === 'number' || !isSame(real.stat, now);
  });
}
