// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ERRNO, SystemError } from '../system/libc';
import { isDirectory, isRegular } from '../system/stat';
import { getXattrAt, listXattrsAt } from '../system/xattr';
import { pathOf, placeOf, topOf, type Entry } from './entry';
import type { OverlayStack } from './stack';
import { storedName, visibleName } from './xattr-names';

/** Names of the attributes that the mount shows: private ones hidden, escaped ones unescaped (semantics 1.1). */
export function listXattrs(stack: OverlayStack, entry: Entry): ByteString[] {
  const { fd, name } = placeOf(stack.directories, topOf(entry));
  const stored = listXattrsAt(fd, name);
  if (typeof stored === 'number') throw new SystemError(-stored, 'listxattr', pathOf(entry));
  return stored.map((attribute) => visibleName(attribute, stack.names)).filter((attribute) => attribute !== null);
}

/** Value of an attribute under its visible name, or the negative errno. */
export function getXattr(stack: OverlayStack, entry: Entry, attribute: ByteString): ByteString | number {
  const { stat, xattrs } = topOf(entry);
  const stored = storedName(attribute, stack.names);
  // Lookup listed those of files and directories: programs ask every file for attributes that hardly one has.
  if ((isRegular(stat.mode) || isDirectory(stat.mode)) && !xattrs.includes(stored)) return -ERRNO.ENODATA;
  const { fd, name } = placeOf(stack.directories, topOf(entry));
  const value = getXattrAt(fd, name, stored);
  return stack.owners && typeof value === 'string' ? stack.owners.shownXattr(stored, value) : value;
}
