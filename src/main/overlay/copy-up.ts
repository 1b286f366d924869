// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { syncFile, truncateFd } from '../system/file-content';
import {
  closeFile,
  createAt,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  openPlace,
  readLinkAt,
} from '../system/files';
import { FS_NOATIME_FL, FS_SYNC_FL, getFileFlags, getFileFlagsAt, setFileFlags } from '../system/file-flags';
import { ERRNO, must, SystemError } from '../system/libc';
import { makeDirectoryAt, makeLinkAt, makeNodeAt, makeSymlinkAt } from '../system/names';
import { placeOfFd, type Place } from '../system/place';
import { isDirectory, isRegular, isSymlink, STATX_ATTR_IMMUTABLE, statAt, type Stat } from '../system/stat';
import { getXattrAt, removeXattrAt, setXattrAt } from '../system/xattr';
import { refuseChanged } from './changed';
import { copyContent } from './copy-content';
import { copyXattrs, giveAttributes } from './copy-metadata';
import { pathOf, placeOf, type Entry, type Real } from './entry';
import { dataOf, openData } from './file-data';
import { indexName, keepLinks, needsIndex, unionLinks } from './index-directory';
import { keepingTimes, realInUpper, refresh, setImpure } from './marks';
import { handleOf } from './origins';
import type { OverlayStack } from './stack';
import type { UpperArea } from './upper-area';

/** Metadata alone, where `metacopy=on` allows that; or with the data, which a write needs. */
export type Extent = 'metadata' | 'data';

/** The writable side. A stack without one has no upper to write to: EROFS. */
export function areaOf(stack: OverlayStack): UpperArea {
  if (!stack.area) throw new SystemError(ERRNO.EROFS, 'copy up', stack.layers[0]!.path);
  return stack.area;
}

/**
 * Brings an object into the upper, its parents first, before it is changed (semantics 4.1, 4.2). Nothing is done where
 * the upper has it already. The object is built where nobody sees it and then linked or renamed into place.
 * @param size only so many bytes of the data, for a file that is about to be cut
 * @throws SystemError as the kernel gives it: EROFS, EPERM (immutable), EIO, ENOENT (no data), ENOSPC, EOVERFLOW
 */
export function copyUp(stack: OverlayStack, entry: Entry, extent: Extent, size = Infinity): void {
  const area = areaOf(stack);
  if (entry.parent) copyUp(stack, entry.parent, 'metadata');
  if (!entry.upper) new CopyUp(stack, area, entry, extent, size).run();
  else if (entry.upperUnnamed) linkUp(stack, area, entry);
  if (extent === 'data' && entry.metacopy) copyDataUp(stack, area, entry, size);
}

/** One object on its way into the upper. */
class CopyUp {
  private readonly lower: Real;
  private readonly metacopy: boolean;
  private readonly indexEntry: ByteString | null;
  private readonly stat: Stat;

  constructor(
    private readonly stack: OverlayStack,
    private readonly area: UpperArea,
    private readonly entry: Entry,
    extent: Extent,
    private readonly size: number,
  ) {
    this.lower = entry.lowers[0]!;
    const { fd, name } = placeOf(stack.directories, this.lower);
    const stat = statAt(fd, name);
    refuseChanged(this.lower, stat);
    if (typeof stat === 'number') throw new SystemError(-stat, 'copy up', pathOf(entry));
    this.stat = stat;
    if ((stat.attributes & STATX_ATTR_IMMUTABLE) !== 0) throw new SystemError(ERRNO.EPERM, 'copy up', pathOf(entry));
    this.metacopy = area.rules.metacopy && isRegular(stat.mode) && extent === 'metadata';
    this.indexEntry = needsIndex(stack, entry) ? indexName(stack, this.lower) : null;
  }

  run(): void {
    const { stack, area, entry } = this;
    const parent = entry.parent!.upper!;
    if (this.indexEntry === null) setImpure(stack, parent);
    const install = (link: (dirfd: number, name: ByteString) => void): void => {
      if (this.indexEntry !== null) return link(area.workFd, this.indexEntry);
      keepingTimes(stack, parent, () => link(stack.directories.fdOf(parent.directory!), entry.name));
    };
    if (isRegular(this.stat.mode)) this.copyFile(install);
    else this.copyOther(install);
    this.settle(parent);
    area.counts.copyUps += 1;
    area.stale.push(entry);
  }

  /** What the entry is from now on. */
  private settle(parent: Real): void {
    const { stack, area, entry, indexEntry } = this;
    if (indexEntry === null) {
      entry.upper = realInUpper(stack, parent.directory!, entry.name);
    } else {
      const links = this.stat.nlink;
      entry.upper = realInUpper(stack, area.index!, indexEntry);
      entry.indexed = true;
      entry.upperUnnamed = true;
      // All names are the lower's still: the copy has its entry in the index, and that counts for none.
      keepLinks(stack, entry, links);
      linkUp(stack, area, entry);
    }
    if (isRegular(this.stat.mode)) {
      entry.metacopy = this.metacopy;
      if (!this.metacopy) entry.lazyData = null;
    }
  }

  private copyFile(install: (link: (dirfd: number, name: ByteString) => void) => void): void {
    const { area, stack, entry } = this;
    // Metadata alone need the data too, once: what cannot be read later must not be brought up (semantics 2.6). Data of
    // the object itself are there: it was looked at just now.
    const from = this.metacopy && dataOf(entry) === this.lower ? -1 : openData(stack, entry);
    let temporary: ByteString | null = null;
    let to = -1;
    try {
      ({ fd: to, temporary } = createTemporary(area, this.stat.mode));
      if (!this.metacopy) this.copyData(from, to);
      this.copyMetadata(placeOfFd(to), to);
      area.syncCopyUp(to, !this.metacopy);
      if (temporary === null) install((dirfd, name) => must(makeLinkAt(placeOfFd(to), dirfd, name), 'link', name));
      else install((dirfd, name) => area.install(temporary!, dirfd, name));
    } catch (error) {
      if (temporary !== null) area.discard(temporary);
      throw error;
    } finally {
      for (const fd of [from, to]) if (fd >= 0) closeFile(fd);
    }
  }

  private copyData(from: number, to: number): void {
    const size = Math.min(this.size, this.stat.size);
    copyContent(this.area, from, to, size, pathOf(this.entry));
    this.area.counts.copyUpBytes += size;
  }

  private copyOther(install: (link: (dirfd: number, name: ByteString) => void) => void): void {
    const { area } = this;
    const temporary = area.temporaryName();
    this.make(temporary);
    try {
      this.copyMetadata({ fd: area.workFd, name: temporary });
      this.syncDirectory(temporary);
      install((dirfd, name) => area.install(temporary, dirfd, name));
    } catch (error) {
      area.discard(temporary);
      throw error;
    }
  }

  private make(temporary: ByteString): void {
    const { stat, area, stack, lower } = this;
    if (isDirectory(stat.mode)) {
      must(makeDirectoryAt(area.workFd, temporary, 0o700), 'mkdir', temporary);
    } else if (isSymlink(stat.mode)) {
      const { fd, name } = placeOf(stack.directories, lower);
      const target = readLinkAt(fd, name);
      if (typeof target === 'number') throw new SystemError(-target, 'readlink', pathOf(this.entry));
      must(makeSymlinkAt(target, area.workFd, temporary), 'symlink', temporary);
    } else {
      must(makeNodeAt(area.workFd, temporary, stat.mode, stat.rdevMajor, stat.rdevMinor), 'mknod', temporary);
    }
  }

  /** `fsync=strict` syncs directories too (semantics 6). */
  private syncDirectory(temporary: ByteString): void {
    if (this.area.rules.fsync !== 'strict' || !isDirectory(this.stat.mode)) return;
    const fd = openPlace({ fd: this.area.workFd, name: temporary }, O_RDONLY);
    if (fd < 0) throw new SystemError(-fd, 'open', temporary);
    const result = syncFile(fd, false);
    closeFile(fd);
    must(result, 'fsync', temporary);
  }

  /**
   * Everything but the data, in an order in which nothing undoes what went before (semantics 4.2).
   * @param fd of a regular file
   */
  private copyMetadata(to: Place, fd = -1): void {
    const { stack, entry, stat } = this;
    copyXattrs(stack.names, placeOf(stack.directories, this.lower), to);
    this.copyFlags(to, fd);
    const hasOrigin = isDirectory(stat.mode) || stat.nlink === 1 || this.indexEntry !== null;
    if (hasOrigin) this.mark(to, stack.names.origin, handleOf(stack, entry));
    if (this.metacopy) this.mark(to, stack.names.metacopy, '');
    if (fd >= 0) must(truncateFd(fd, Math.min(this.size, stat.size)), 'truncate', pathOf(entry));
    giveAttributes(to, stat, pathOf(entry));
  }

  private mark(to: Place, name: ByteString, value: ByteString): void {
    const result = setXattrAt(to, name, value);
    // `user.*` lives on files and directories alone: a symlink goes without its origin (semantics 5.6).
    const isNoPlace = result === -ERRNO.EPERM || result === -ERRNO.EOPNOTSUPP;
    if (result < 0 && !(isNoPlace && !isRegular(this.stat.mode) && !isDirectory(this.stat.mode)))
      throw new SystemError(-result, 'setxattr', pathOf(this.entry));
  }

  /**
   * `A` and `S` of chattr(1).
   * @param toFd of a regular file, else -1
   */
  private copyFlags(to: Place, toFd: number): void {
    if (!isRegular(this.stat.mode) && !isDirectory(this.stat.mode)) return;
    const flags = getFileFlagsAt(placeOf(this.stack.directories, this.lower));
    const kept = flags < 0 ? 0 : flags & (FS_NOATIME_FL | FS_SYNC_FL);
    if (kept === 0) return;
    const fd = toFd >= 0 ? toFd : openPlace(to, O_RDONLY | O_NONBLOCK);
    if (fd < 0) return;
    const now = getFileFlags(fd);
    if (now >= 0) setFileFlags(fd, now | kept);
    if (fd !== toFd) closeFile(fd);
  }
}

/** A file without a name in the work area; with a temporary one where the file system has no O_TMPFILE. */
function createTemporary(area: UpperArea, mode: number): { fd: number; temporary: ByteString | null } {
  if (!area.noTmpfile) {
    const fd = createAt(area.workFd, '.', O_TMPFILE | O_RDWR, mode & 0o700);
    if (fd >= 0) return { fd, temporary: null };
    if (fd !== -ERRNO.EOPNOTSUPP && fd !== -ERRNO.EISDIR && fd !== -ERRNO.ENOENT)
      throw new SystemError(-fd, 'open', 'work');
    area.noTmpfile = true;
  }
  const temporary = area.temporaryName();
  const fd = createAt(area.workFd, temporary, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, mode & 0o700);
  if (fd < 0) throw new SystemError(-fd, 'open', temporary);
  return { fd, temporary };
}

/** A name of a lower hard link gets its link to the copy that the index holds. */
function linkUp(stack: OverlayStack, area: UpperArea, entry: Entry): void {
  const parent = entry.parent!.upper!;
  setImpure(stack, parent);
  const source = { fd: area.index!.fd, name: entry.upper!.name };
  // The link of a name that the merged tree has already changes no count of its names, also not after a crash here.
  const links = unionLinks(stack, entry);
  keepLinks(stack, entry, links, 'L');
  keepingTimes(stack, parent, () =>
    must(makeLinkAt(source, stack.directories.fdOf(parent.directory!), entry.name), 'link', entry.name),
  );
  entry.upper = realInUpper(stack, parent.directory!, entry.name);
  entry.upperUnnamed = false;
  keepLinks(stack, entry, links);
}

/**
 * The data of a metacopy follow their metadata, when they are first written to (semantics 4.3). All of them, also where
 * the file is about to be cut: until the mark is gone its size must be that of the data below, or a crash leaves a file
 * whose size and content are of two states. One that is emptied is not copied for that; its mark goes at once.
 */
function copyDataUp(stack: OverlayStack, area: UpperArea, entry: Entry, size: number): void {
  const upper = entry.upper!;
  const place = placeOf(stack.directories, upper);
  const capability = upper.xattrs.includes('security.capability')
    ? getXattrAt(place.fd, place.name, 'security.capability')
    : null;
  const from = openData(stack, entry);
  const to = openPlace(placeOf(stack.directories, upper), O_RDWR | O_NONBLOCK);
  try {
    if (to < 0) throw new SystemError(-to, 'open', pathOf(entry));
    const wanted = size === 0 ? 0 : upper.stat.size;
    if (wanted > 0) {
      copyContent(area, from, to, wanted, pathOf(entry));
      area.syncCopyUp(to, true);
    } else if (upper.stat.size > 0) {
      must(truncateFd(to, 0), 'truncate', pathOf(entry));
    }
    area.counts.copyUpBytes += wanted;
  } finally {
    closeFile(from);
    if (to >= 0) closeFile(to);
  }
  // A write takes file capabilities away, and this was none that a user made.
  if (typeof capability === 'string') setXattrAt(placeOf(stack.directories, upper), 'security.capability', capability);
  must(removeXattrAt(placeOf(stack.directories, upper), stack.names.metacopy), 'removexattr', pathOf(entry));
  upper.xattrs = upper.xattrs.filter((name) => name !== stack.names.metacopy);
  entry.metacopy = false;
  entry.lazyData = null;
  area.stale.push(entry);
  refresh(stack, upper);
}
