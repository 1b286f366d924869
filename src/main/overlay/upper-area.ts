// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { EffectiveOptions } from '@shared/options';
import type { Layer } from '../layers/layer';
import type { RealDirectory } from '../layers/real-directory';
import { tryRemoveTree } from '../layers/remove-tree';
import {
  closeFile,
  createAt,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  openPlace,
} from '../system/files';
import { syncFile } from '../system/file-content';
import { ERRNO, must, SystemError } from '../system/libc';
import { makeDirectoryAt, makeLinkAt, makeNodeAt, renameAt, RENAME_EXCHANGE, unlinkAt } from '../system/names';
import type { Place } from '../system/place';
import { S_IFCHR, S_IFREG } from '../system/stat';
import { setXattrAt } from '../system/xattr';
import type { Entry } from './entry';
import { markOf, OPAQUE_MARK } from './whiteout-names';
import type { OverlayXattrs } from './xattr-names';

/** What writing depends on, of the options (semantics 4, 5, 6). */
export interface WriteRules {
  /** redirect_dir=on: renames of lower directories are written as redirects. */
  readonly redirects: boolean;
  readonly metacopy: boolean;
  readonly index: boolean;
  readonly fsync: EffectiveOptions['fsync'];
  /** Nothing depends on lowers staying as they are while unmounted: new directories need no opaque mark. */
  readonly offlineChanges: boolean;
}

/** The rules of a writable mount with these options; see `ovl_allow_offline_changes` of the kernel (semantics 4.4). */
export function writeRules(
  options: Pick<EffectiveOptions, 'redirectDir' | 'metacopy' | 'index' | 'fsync' | 'xino'>,
): WriteRules {
  const redirects = options.redirectDir === 'on';
  const { metacopy, index, fsync } = options;
  return {
    redirects,
    metacopy,
    index,
    fsync,
    offlineChanges: !index && !metacopy && !redirects && options.xino !== 'on',
  };
}

/** Whoever packs an upper may read the marks in it. */
const MARK_MODE = 0o644;

/** What has been done, for the activity of the mount. */
export interface WriteCounts {
  copyUps: number;
  copyUpBytes: number;
}

/**
 * The writable side of a stack: the upper, and the directory in which new objects are built before they are renamed
 * into place (`work/`, with index=on `index/`), so that a crash leaves the old or the new state (semantics 1.6, 4.2).
 */
export class UpperArea {
  readonly counts: WriteCounts = { copyUps: 0, copyUpBytes: 0 };
  /** What changed beside what was asked for, and not been told on: copied up (links, numbers), or by what then failed. */
  readonly stale: Entry[] = [];
  /** Whiteouts are marked files here, since no device can be made. */
  xattrWhiteouts = false;
  /** O_TMPFILE is not to be had on this file system. */
  noTmpfile = false;
  /** FICLONE is not to be had between these file systems. */
  noClone = false;
  private number: number;
  private spareWhiteout: ByteString | null = null;
  private sharesWhiteouts = true;

  /**
   * @param work  where objects are built; readable, not O_PATH
   * @param index the index, which with index=on is the work directory too
   */
  constructor(
    readonly layer: Layer,
    readonly workFd: number,
    readonly index: RealDirectory | null,
    readonly rules: WriteRules,
    private readonly names: OverlayXattrs,
    /** Whiteouts are `.wh.NAME` files, for a client that packs the upper as it is. */
    readonly ociWhiteouts: boolean,
    /** Locks and mounts that last as long as the area. */
    private readonly kept: readonly number[],
  ) {
    // As the kernel, but not the same numbers again after a remount: the leftovers were removed.
    this.number = (process.pid << 8) >>> 0;
  }

  /** A name in the work directory that nothing has. */
  temporaryName(): ByteString {
    return `#${(this.number++).toString(16)}`;
  }

  /** Renames what was built under a temporary name into the upper. */
  install(temporary: ByteString, dirfd: number, name: ByteString, flags = 0): void {
    must(renameAt(this.workFd, temporary, dirfd, name, flags), 'rename', name);
  }

  /** Removes an upper object by way of the work area. */
  takeAway(dirfd: number, name: ByteString): void {
    const temporary = this.temporaryName();
    must(this.takeOut(dirfd, name, temporary), 'rename', name);
    this.discard(temporary);
  }

  /**
   * Replaces a directory that holds whiteouts alone by an opaque empty one, at once, so that a rename may replace it
   * (the kernel's ovl_clear_empty).
   * @param dress makes the new one the same in all else: the rename may yet fail
   */
  clearDirectory(dirfd: number, name: ByteString, dress: (place: Place) => void): void {
    const temporary = this.temporaryName();
    const place = { fd: this.workFd, name: temporary };
    must(makeDirectoryAt(this.workFd, temporary, 0o700), 'mkdir', name);
    try {
      must(setXattrAt(place, this.names.opaque, 'y'), 'setxattr', name);
      dress(place);
      this.install(temporary, dirfd, name, RENAME_EXCHANGE);
    } finally {
      this.discard(temporary);
    }
  }

  /** Renames an upper object into the work area. Returns 0 or the negative errno. */
  takeOut(dirfd: number, name: ByteString, temporary: ByteString): number {
    return renameAt(dirfd, name, this.workFd, temporary);
  }

  /** Removes a temporary object, whatever it is; errors leave it to the next mount. */
  discard(temporary: ByteString): void {
    tryRemoveTree(this.workFd, temporary);
  }

  /**
   * Puts a whiteout where a name is or was. A directory changes places with it and is removed with the whiteouts that
   * it held (semantics 4.4).
   */
  whiteOut(dirfd: number, name: ByteString, victimIsDirectory: boolean): void {
    if (this.marks(name)) return this.markAndTake(dirfd, name);
    const whiteout = this.makeWhiteout();
    try {
      this.install(whiteout, dirfd, name, victimIsDirectory ? RENAME_EXCHANGE : 0);
    } catch (error) {
      this.discard(whiteout);
      throw error;
    }
    if (victimIsDirectory) this.discard(whiteout);
  }

  /** Whether a removed name gets a mark; else a whiteout of the kernel's, as a name does that is too long for a mark. */
  marks(name: ByteString): boolean {
    return this.ociWhiteouts && markOf(name) !== null;
  }

  /**
   * Marks a name of the upper as taken away from below. What the upper itself has under the name still shows (semantics
   * 8.4), so that a crash before it goes leaves the old state.
   * @returns false where it had its mark already
   */
  putMark(dirfd: number, name: ByteString): boolean {
    const mark = markOf(name)!;
    const fd = createAt(dirfd, mark, O_CREAT | O_EXCL | O_WRONLY, MARK_MODE);
    if (fd === -ERRNO.EEXIST) return false;
    if (fd < 0) throw new SystemError(-fd, 'open', mark);
    closeFile(fd);
    return true;
  }

  /** Takes the mark of a name away, where it has one: something new has the name. */
  dropMark(dirfd: number, name: ByteString): void {
    const mark = markOf(name);
    if (mark !== null) unlinkAt(dirfd, mark);
  }

  private markAndTake(dirfd: number, name: ByteString): void {
    const marked = this.putMark(dirfd, name);
    const temporary = this.temporaryName();
    const taken = this.takeOut(dirfd, name, temporary);
    if (taken === 0) return this.discard(temporary);
    if (taken === -ERRNO.ENOENT) return;
    if (marked) this.dropMark(dirfd, name);
    throw new SystemError(-taken, 'rename', name);
  }

  /** Marks a directory as opaque: for the kernel and, in whiteouts=oci, for who packs the upper. Returns 0 or an errno. */
  markOpaque(place: Place): number {
    const result = setXattrAt(place, this.names.opaque, 'y');
    if (!this.ociWhiteouts) return result;
    const fd = openPlace(place, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return fd;
    const mark = createAt(fd, OPAQUE_MARK, O_CREAT | O_WRONLY | O_NOFOLLOW, MARK_MODE);
    closeFile(fd);
    if (mark >= 0) closeFile(mark);
    return Math.min(mark, 0);
  }

  /** The name of a fresh whiteout in the work directory: a link of one shared inode (semantics 1.3 point 5). */
  makeWhiteout(): ByteString {
    if (this.spareWhiteout === null) {
      const spare = this.temporaryName();
      this.makeWhiteoutInode(spare);
      this.spareWhiteout = spare;
    }
    if (this.sharesWhiteouts) {
      const name = this.temporaryName();
      const linked = makeLinkAt({ fd: this.workFd, name: this.spareWhiteout }, this.workFd, name);
      if (linked === 0) return name;
      if (linked !== -ERRNO.EMLINK) this.sharesWhiteouts = false;
    }
    const last = this.spareWhiteout;
    this.spareWhiteout = null;
    return last;
  }

  private makeWhiteoutInode(name: ByteString): void {
    if (!this.xattrWhiteouts) {
      const made = makeNodeAt(this.workFd, name, S_IFCHR, 0, 0);
      if (made === 0) return;
      if (made !== -ERRNO.EPERM) throw new SystemError(-made, 'mknod', name);
      this.xattrWhiteouts = true;
    }
    must(makeNodeAt(this.workFd, name, S_IFREG, 0, 0), 'mknod', name);
    must(setXattrAt({ fd: this.workFd, name }, this.names.whiteout, ''), 'setxattr', name);
  }

  /** Syncs what was copied up, as `fsync=` says (semantics 6). */
  syncCopyUp(fd: number, hasData: boolean): void {
    const { fsync } = this.rules;
    if (fsync === 'strict' || (fsync === 'auto' && hasData)) must(syncFile(fd, false), 'fsync', '');
  }

  /** Nothing is ever synced. */
  get isVolatile(): boolean {
    return this.rules.fsync === 'volatile';
  }

  close(): void {
    if (this.spareWhiteout !== null) unlinkAt(this.workFd, this.spareWhiteout);
    for (const fd of [this.workFd, ...this.kept]) closeFile(fd);
  }
}
