// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ERRNO, SystemError } from '../system/libc';
import { setXattrAt } from '../system/xattr';
import { pathOf, placeOf, type Entry } from './entry';
import type { OverlayStack } from './stack';

/** Longest absolute redirect that is written: the kernel's module parameter `redirect_max` (semantics 1.2). */
const REDIRECT_MAX = 256;

/**
 * Tells an upper object where its lower is, before it leaves its place: relative (the old name) where it stays in its
 * directory, else the absolute path of the lower object (semantics 4.3, 4.5).
 * @throws SystemError EXDEV where the redirect is too long or cannot be stored: the mover copies then
 */
export function setRedirect(stack: OverlayStack, entry: Entry, leavesDirectory: boolean): void {
  const absolute = needsAbsolute(entry, leavesDirectory);
  if (entry.redirect !== null && (!absolute || entry.redirect.startsWith('/'))) return;
  const redirect = absolute ? absoluteRedirect(entry) : entry.name;
  const upper = entry.upper!;
  const result = setXattrAt(placeOf(stack.directories, upper), stack.names.redirect, redirect);
  if (result < 0) throw new SystemError(ERRNO.EXDEV, 'redirect', pathOf(entry));
  entry.redirect = redirect;
  if (!upper.xattrs.includes(stack.names.redirect)) upper.xattrs = [...upper.xattrs, stack.names.redirect];
}

/** Upper hard links may come to stand in different directories, where a relative one would lead astray. */
function needsAbsolute(entry: Entry, leavesDirectory: boolean): boolean {
  if (leavesDirectory) return true;
  return !entry.upper!.directory && (entry.lowers[0]?.stat.nlink ?? 1) > 1;
}

/** The path of the lower object: names, and in their place the redirects of the directories above. */
function absoluteRedirect(entry: Entry): ByteString {
  let path = '';
  for (let at: Entry = entry; at.parent; at = at.parent) {
    const name = at.redirect ?? at.name;
    if (name.startsWith('/')) {
      path = name + path;
      break;
    }
    path = `/${name}${path}`;
  }
  if (path.length > REDIRECT_MAX) throw new SystemError(ERRNO.EXDEV, 'redirect', pathOf(entry));
  return path;
}
