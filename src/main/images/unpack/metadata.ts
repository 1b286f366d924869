// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { changeMode, changeOwner, changeTimes } from '../../system/attributes';
import { ERRNO, must } from '../../system/libc';
import { changeModeFd, changeOwnerFd, changeTimesFd, setXattrFd } from '../../system/open-file';
import type { Place } from '../../system/place';
import { setXattrAt } from '../../system/xattr';
import { OVERLAY_XATTRS, type OverlayXattrs } from '../../overlay/xattr-names';
import type { TarEntry } from '../tar/entry';
import { layerXattrs } from './layer-xattrs';
import { OVERRIDE_STAT, ownerRecord, RECORDED_MODE } from './owner-record';

/*
 * Gives what an entry says to the object made for it. Owners first: chown(2) takes set-id bits and capabilities away.
 * ACLs after the mode, of which they change the group's bits. Times last.
 */

/** Who is applied to: the target's choices. */
export interface MetadataForm {
  readonly names: OverlayXattrs;
  readonly recorded: boolean;
}

/** To an open regular file. */
export function applyToFile(fd: number, entry: TarEntry, { names, recorded }: MetadataForm): void {
  const { name, mtime } = entry;
  const atime = entry.atime ?? mtime;
  if (recorded) {
    must(changeModeFd(fd, RECORDED_MODE), 'fchmod', name);
    must(setXattrFd(fd, OVERRIDE_STAT, ownerRecord(entry)), 'fsetxattr', name);
  } else {
    must(changeOwnerFd(fd, entry.uid, entry.gid), 'fchown', name);
    must(changeModeFd(fd, entry.mode), 'fchmod', name);
  }
  for (const [key, value] of layerXattrs(entry, names, recorded).now)
    mustSet(setXattrFd(fd, key, value), key, entry, names);
  must(changeTimesFd(fd, atime.seconds, atime.nanoseconds, mtime.seconds, mtime.nanoseconds), 'futimens', name);
}

/** To what has no descriptor: devices, fifos, symlinks, and, but for their times, directories. */
export function applyToPlace(place: Place, entry: TarEntry, { names, recorded }: MetadataForm): void {
  const { name, kind, mtime } = entry;
  const isLink = kind === 'symlink';
  if (!recorded) {
    must(changeOwner(place, entry.uid, entry.gid), 'chown', name);
    if (!isLink) must(changeMode(place, entry.mode), 'chmod', name);
  } else if (!isLink) {
    must(changeMode(place, RECORDED_MODE), 'chmod', name);
    must(setXattrAt(place, OVERRIDE_STAT, ownerRecord(entry)), 'setxattr', name);
  }
  for (const [key, value] of layerXattrs(entry, names, recorded).now)
    mustSet(setXattrAt(place, key, value), key, entry, names);
  if (kind !== 'directory') must(changeTimes(place, entry.atime ?? mtime, mtime), 'utimensat', name);
}

/**
 * Root of a user namespace may set `security.capability` and no other label (capabilities(7)): what the machine's own
 * security modules would read stays in the tar-split record alone, as `trusted.*` does.
 */
function mustSet(result: number, key: ByteString, { name }: TarEntry, names: OverlayXattrs): void {
  const isForbidden = result === -ERRNO.EPERM && key.startsWith('security.') && names === OVERLAY_XATTRS.user;
  if (!isForbidden) must(result, `setxattr ${key}`, name);
}
