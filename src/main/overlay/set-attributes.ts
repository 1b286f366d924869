// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { changeMode, changeOwner, changeTimes, KEEP_ID, type TimeChange } from '../system/attributes';
import { truncateFd } from '../system/file-content';
import { closeFile, O_NONBLOCK, O_RDONLY, O_WRONLY, openPlace } from '../system/files';
import { FS_APPEND_FL, FS_IMMUTABLE_FL, getFileFlags, setFileFlags } from '../system/file-flags';
import { ERRNO, must, SystemError } from '../system/libc';
import type { Place } from '../system/place';
import { getXattrAt, removeXattrAt, setXattrAt } from '../system/xattr';
import { areaOf, copyUp } from './copy-up';
import { pathOf, placeOf, topOf, type Entry } from './entry';
import { refresh, refreshXattrs } from './marks';
import { protectionOf, refuseProtected } from './protection';
import type { OverlayStack } from './stack';
import { storedName } from './xattr-names';

/** A change of metadata; what is left out stays. */
export interface AttributeChange {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly atime?: TimeChange;
  readonly mtime?: TimeChange;
  /** The caller may not keep set-id bits over a change of size. */
  readonly dropSetId?: boolean;
}

/**
 * chmod, chown, truncate and utimensat through the merged tree. Only a change of size needs the data in the upper
 * (semantics 4.1).
 * @throws SystemError EPERM (immutable), ETXTBSY, EROFS and what the upper's file system says
 */
export function setAttributes(stack: OverlayStack, entry: Entry, change: AttributeChange): void {
  refuseProtected(stack, entry);
  const { size } = change;
  copyUp(stack, entry, size === undefined ? 'metadata' : 'data', size);
  const upper = entry.upper!;
  const place = placeOf(stack.directories, upper);
  if (change.uid !== undefined || change.gid !== undefined) giveTo(stack, entry, place, change);
  if (change.mode !== undefined) must(changeMode(place, change.mode & 0o7777), 'chmod', pathOf(entry));
  if (size !== undefined) cut(entry, place, size);
  if (change.dropSetId) dropPrivileges(stack, entry);
  if (change.atime !== undefined || change.mtime !== undefined)
    must(changeTimes(place, change.atime ?? 'keep', change.mtime ?? 'keep'), 'utimensat', pathOf(entry));
  const hadCapability = upper.xattrs.includes('security.capability');
  refresh(stack, upper);
  if (hadCapability) refreshXattrs(stack, upper);
}

function giveTo(stack: OverlayStack, entry: Entry, place: Place, change: AttributeChange): void {
  const { uid = KEEP_ID, gid = KEEP_ID } = change;
  const { owners } = stack;
  const result = owners
    ? changeOwner(place, owners.storedUid(uid), owners.storedGid(gid))
    : changeOwner(place, uid, gid);
  must(result, 'chown', pathOf(entry));
}

function cut(entry: Entry, place: { fd: number; name: ByteString }, size: number): void {
  const fd = openPlace(place, O_WRONLY | O_NONBLOCK);
  if (fd < 0) throw new SystemError(-fd, 'open', pathOf(entry));
  const result = truncateFd(fd, size);
  closeFile(fd);
  must(result, 'truncate', pathOf(entry));
}

const S_ISUID = 0o4000;
const S_ISGID = 0o2000;
const S_IXGRP = 0o010;

/**
 * What a write or a cut by somebody without CAP_FSETID takes away: set-id bits and file capabilities.
 * @param foreignGroup he is not in the file's group either: set-group-ID goes where no group may execute, too
 */
export function dropPrivileges(stack: OverlayStack, entry: Entry, foreignGroup = false): void {
  const upper = entry.upper!;
  refresh(stack, upper);
  const { mode } = upper.stat;
  const group = foreignGroup || (mode & S_IXGRP) !== 0 ? S_ISGID : 0;
  const left = mode & ~(S_ISUID | group);
  if (left !== mode) must(changeMode(placeOf(stack.directories, upper), left & 0o7777), 'chmod', pathOf(entry));
  dropCapability(stack, entry);
  refresh(stack, upper);
}

/** Every write takes file capabilities away, root's too (capabilities(7)). */
export function dropCapability(stack: OverlayStack, entry: Entry): void {
  const upper = entry.upper!;
  if (!upper.xattrs.includes('security.capability')) return;
  removeXattrAt(placeOf(stack.directories, upper), 'security.capability');
  refreshXattrs(stack, upper);
}

const XATTR_NAME_MAX = 255;

/**
 * Sets an attribute under its visible name; names of the overlay's own are stored escaped (semantics 1.1).
 * @param flags XATTR_CREATE, XATTR_REPLACE or 0
 */
export function setXattr(stack: OverlayStack, entry: Entry, name: ByteString, value: ByteString, flags: number): void {
  const stored = escaped(stack, entry, name);
  const storedValue = stack.owners ? stack.owners.storedXattr(stored, value) : value;
  refuseProtected(stack, entry);
  bringUp(stack, entry);
  must(setXattrAt(placeOf(stack.directories, entry.upper!), stored, storedValue, flags), 'setxattr', pathOf(entry));
  afterXattr(stack, entry);
}

/** Removes an attribute. One that a lower does not have is no reason for a copy-up: ENODATA (semantics 4.1). */
export function removeXattr(stack: OverlayStack, entry: Entry, name: ByteString): void {
  const stored = escaped(stack, entry, name);
  refuseProtected(stack, entry);
  if (!entry.upper) {
    const place = placeOf(stack.directories, topOf(entry));
    const value = getXattrAt(place.fd, place.name, stored);
    if (typeof value === 'number') throw new SystemError(-value, 'removexattr', pathOf(entry));
  }
  bringUp(stack, entry);
  must(removeXattrAt(placeOf(stack.directories, entry.upper!), stored), 'removexattr', pathOf(entry));
  afterXattr(stack, entry);
}

/** A copy that the index holds is changed there: unlike other changes, this one gives no name its link (ovl_xattr_set). */
function bringUp(stack: OverlayStack, entry: Entry): void {
  if (!entry.upper) copyUp(stack, entry, 'metadata');
}

/** An ACL changes the mode too. */
function afterXattr(stack: OverlayStack, entry: Entry): void {
  refreshXattrs(stack, entry.upper!);
  refresh(stack, entry.upper!);
}

function escaped(stack: OverlayStack, entry: Entry, name: ByteString): ByteString {
  areaOf(stack);
  const stored = storedName(name, stack.names);
  if (stored.length > XATTR_NAME_MAX) throw new SystemError(ERRNO.EOPNOTSUPP, 'setxattr', pathOf(entry));
  return stored;
}

/** File attributes as chattr(1) shows them: those of the real object, and the protection kept beside it. */
export function fileFlagsOf(stack: OverlayStack, entry: Entry): number {
  const fd = openPlace(placeOf(stack.directories, topOf(entry)), O_RDONLY | O_NONBLOCK);
  if (fd < 0) throw new SystemError(-fd, 'open', pathOf(entry));
  const flags = getFileFlags(fd);
  closeFile(fd);
  return must(flags, 'ioctl', pathOf(entry)) | protectionOf(stack, entry);
}

/** Sets file attributes; `a` and `i` go beside the upper object, where they do not bind the overlay itself (1.1). */
export function setFileFlagsOf(stack: OverlayStack, entry: Entry, flags: number): void {
  copyUp(stack, entry, 'metadata');
  const upper = entry.upper!;
  const fd = openPlace(placeOf(stack.directories, upper), O_RDONLY | O_NONBLOCK);
  if (fd < 0) throw new SystemError(-fd, 'open', pathOf(entry));
  const result = setFileFlags(fd, flags & ~(FS_IMMUTABLE_FL | FS_APPEND_FL));
  closeFile(fd);
  must(result, 'ioctl', pathOf(entry));
  const marks = ((flags & FS_APPEND_FL) !== 0 ? 'a' : '') + ((flags & FS_IMMUTABLE_FL) !== 0 ? 'i' : '');
  const place = placeOf(stack.directories, upper);
  if (marks !== '') must(setXattrAt(place, stack.names.protattr, marks), 'setxattr', pathOf(entry));
  else if (upper.xattrs.includes(stack.names.protattr)) removeXattrAt(place, stack.names.protattr);
  afterXattr(stack, entry);
}
