// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { changeMode, changeOwner } from '../system/attributes';
import {
  closeFile,
  createAt,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  O_TMPFILE,
  openPlace,
} from '../system/files';
import { ERRNO, must, SystemError } from '../system/libc';
import {
  makeDirectoryAt,
  makeLinkAt,
  makeNodeAt,
  makeSymlinkAt,
  renameAt,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
} from '../system/names';
import { placeOfFd, type Place } from '../system/place';
import { isDirectory, isRegular, isSymlink, S_IFCHR, S_IFMT, statAt, statFd } from '../system/stat';
import { getXattrAt, setXattrAt } from '../system/xattr';
import { areaOf, copyUp } from './copy-up';
import { realInUpper, refresh, refreshXattrs, setImpure } from './marks';
import { isMerged, placeOf, type Entry, type Real } from './entry';
import { keepLinks, unionLinks } from './index-directory';
import { originOf } from './origins';
import { ACL_ACCESS, ACL_DEFAULT, inheritAcl, type Inherited } from './posix-acl';
import { isWhiteout } from './probe';
import { setRedirect } from './redirect';
import type { OverlayStack } from './stack';
import type { UpperArea } from './upper-area';
import { findMark, refuseMarkName } from './whiteout-names';

/** On whose behalf an object is made. */
export interface Caller {
  readonly uid: number;
  readonly gid: number;
  readonly umask: number;
}

/** What to make: `mode` is a whole st_mode. */
export interface NewObject {
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  /** Of a symlink. */
  readonly target: ByteString;
}

/** A new object; `fd` is open for reading and writing on a regular file, else -1. The caller closes it. */
export interface Created {
  readonly entry: Entry;
  readonly fd: number;
}

const S_ISGID = 0o2000;

/**
 * Makes an object under a name that the merged tree does not have (semantics 4.4): over a whiteout it replaces that
 * and, a directory, becomes opaque.
 * @throws SystemError EPERM for a 0:0 character device, EEXIST, EROFS and what the upper's file system says
 */
export function createObject(
  stack: OverlayStack,
  parent: Entry,
  name: ByteString,
  object: NewObject,
  caller: Caller,
): Created {
  const isWhiteoutDevice = (object.mode & S_IFMT) === S_IFCHR && object.major === 0 && object.minor === 0;
  if (isWhiteoutDevice) throw new SystemError(ERRNO.EPERM, 'mknod', name);
  refuseMarkName(stack, name);
  copyUp(stack, parent, 'metadata');
  const creation = new Creation(stack, parent, name, object, caller);
  const fd = creation.run();
  const upper = realInUpper(stack, parent.upper!.directory!, name);
  refresh(stack, parent.upper!);
  return { entry: newEntry(parent, name, upper), fd };
}

/** A file without a name, which link may give it one (O_TMPFILE). */
export function createNameless(stack: OverlayStack, parent: Entry, mode: number, caller: Caller): Created {
  copyUp(stack, parent, 'metadata');
  const object = { mode, major: 0, minor: 0, target: '' };
  const { fd, upper } = new Creation(stack, parent, '', object, caller).nameless();
  return { entry: newEntry(parent, '', upper), fd };
}

const newEntry = (parent: Entry, name: ByteString, upper: Real): Entry => ({
  parent,
  name,
  upper,
  lowers: [],
  metacopy: false,
  lazyData: null,
  redirect: null,
  indexed: false,
  upperUnnamed: false,
  xattrWhiteouts: false,
  foundData: null,
});

/**
 * What stands for a removed name in the upper: an object of that name, to be replaced, or a mark beside it
 * (`.wh.NAME`), to be taken away when something has the name again.
 */
export type UpperWhiteout = 'object' | 'mark' | null;

/** What the upper has under a name that is to be made: nothing, or a whiteout. Throws EEXIST where it has more. */
export function whiteoutAt(stack: OverlayStack, parent: Entry, name: ByteString): UpperWhiteout {
  const directory = parent.upper?.directory;
  if (!directory) return null;
  const stat = statAt(stack.directories.fdOf(directory), name);
  if (stat === -ERRNO.ENOENT) return findMark(stack, directory, name) ? 'mark' : null;
  if (typeof stat === 'number') throw new SystemError(-stat, 'statx', name);
  const real = realInUpper(stack, directory, name);
  if (isWhiteout(real.stat, real.xattrs, stack.names.whiteout)) return 'object';
  throw new SystemError(ERRNO.EEXIST, 'create', name);
}

class Creation {
  private readonly area: UpperArea;
  private readonly directory: Real;
  private readonly whiteout: UpperWhiteout;
  private readonly inherited: Inherited;
  private readonly defaultAcl: ByteString | null;
  private readonly gid: number;
  private readonly caller: Caller;

  constructor(
    private readonly stack: OverlayStack,
    private readonly parent: Entry,
    private readonly name: ByteString,
    private readonly object: NewObject,
    caller: Caller,
  ) {
    this.caller = stack.owners ? stack.owners.ofMaker(caller) : caller;
    this.area = areaOf(stack);
    this.directory = parent.upper!;
    this.whiteout = name === '' ? null : whiteoutAt(stack, parent, name);
    const { mode: parentMode, gid: parentGid } = this.directory.stat;
    this.gid = (parentMode & S_ISGID) !== 0 ? parentGid : this.caller.gid;
    this.defaultAcl = isSymlink(object.mode) ? null : this.readDefaultAcl();
    const inherits = isDirectory(object.mode) && (parentMode & S_ISGID) !== 0 ? S_ISGID : 0;
    const mode = object.mode | inherits;
    this.inherited =
      this.defaultAcl === null ? { mode: mode & ~caller.umask, access: null } : inheritAcl(this.defaultAcl, mode);
  }

  private readDefaultAcl(): ByteString | null {
    if (!this.directory.xattrs.includes(ACL_DEFAULT)) return null;
    const { fd, name } = placeOf(this.stack.directories, this.directory);
    const value = getXattrAt(fd, name, ACL_DEFAULT);
    return typeof value === 'string' ? value : null;
  }

  private get dirfd(): number {
    return this.stack.directories.fdOf(this.directory.directory!);
  }

  /** Returns the descriptor of a regular file, else -1. */
  run(): number {
    const fd = isRegular(this.object.mode) ? this.makeFile() : this.makeOther();
    if (this.whiteout === 'mark') this.area.dropMark(this.dirfd, this.name);
    return fd;
  }

  /**
   * A file of root's may be made in place: it is whole from its first moment. One of another owner gets him before
   * its name, so that a crash leaves none of ours behind.
   */
  private makeFile(): number {
    const { mode } = this.inherited;
    if (this.whiteout !== 'object' && this.isOurs()) {
      const flags = O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW;
      const fd = createAt(this.dirfd, this.name, flags, this.object.mode & 0o7777 & this.unmasked());
      if (fd < 0) throw new SystemError(-fd, 'open', this.name);
      if (this.defaultAcl !== null || (mode & 0o7000) !== 0) this.fitMode(placeOfFd(fd));
      return fd;
    }
    const temporary = this.area.temporaryName();
    const fd = createAt(this.area.workFd, temporary, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, mode & 0o777);
    if (fd < 0) throw new SystemError(-fd, 'open', temporary);
    try {
      this.finish(temporary, placeOfFd(fd));
    } catch (error) {
      closeFile(fd);
      throw error;
    }
    return fd;
  }

  /** With a default ACL the file system itself cuts the mode; umask does not apply then. */
  private unmasked(): number {
    return this.defaultAcl === null ? ~this.caller.umask : -1;
  }

  private isOurs(): boolean {
    const fits = (this.directory.stat.mode & S_ISGID) !== 0 || this.gid === (process.getegid?.() ?? 0);
    return fits && this.caller.uid === (process.geteuid?.() ?? 0);
  }

  private makeOther(): number {
    const { object, inherited, area } = this;
    const direct = this.whiteout !== 'object' && this.isOurs() && !this.needsOpaque();
    const name = direct ? this.name : area.temporaryName();
    const dirfd = direct ? this.dirfd : area.workFd;
    const mode = direct ? object.mode & (this.unmasked() | S_IFMT) : inherited.mode;
    if (isDirectory(object.mode)) must(makeDirectoryAt(dirfd, name, mode & 0o7777), 'mkdir', this.name);
    else if (isSymlink(object.mode)) must(makeSymlinkAt(object.target, dirfd, name), 'symlink', this.name);
    else must(makeNodeAt(dirfd, name, mode, object.major, object.minor), 'mknod', this.name);
    if (direct) {
      if ((mode & 0o7000) !== 0 && !isSymlink(mode)) this.fitMode({ fd: dirfd, name });
      return -1;
    }
    this.finish(name, { fd: area.workFd, name });
    return -1;
  }

  /** A new directory where another may come to be below: nothing of that shall show through (semantics 4.4). */
  private needsOpaque(): boolean {
    if (!isDirectory(this.object.mode)) return false;
    return this.whiteout !== null || (isMerged(this.parent) && !this.area.rules.offlineChanges);
  }

  /** Gives what was built in the work area its owner, mode, ACLs and name; removes it where that fails. */
  private finish(temporary: ByteString, place: Place): void {
    const { area, name } = this;
    try {
      this.dress(place);
      if (this.needsOpaque()) {
        const result = area.markOpaque(place);
        if (this.whiteout !== null) must(result < 0 ? -ERRNO.EIO : 0, 'setxattr', name);
      }
      if (this.whiteout !== 'object') area.install(temporary, this.dirfd, name, RENAME_NOREPLACE);
      else if (!isDirectory(this.object.mode)) area.install(temporary, this.dirfd, name);
      else {
        area.install(temporary, this.dirfd, name, RENAME_EXCHANGE);
        area.discard(temporary);
      }
    } catch (error) {
      area.discard(temporary);
      throw error;
    }
  }

  private dress(place: Place): void {
    const { caller, gid, object } = this;
    must(changeOwner(place, caller.uid, gid), 'chown', this.name);
    if (isSymlink(object.mode)) return;
    const { access } = this.inherited;
    if (access !== null) must(setXattrAt(place, ACL_ACCESS, access), 'setxattr', this.name);
    if (this.defaultAcl !== null && isDirectory(object.mode))
      must(setXattrAt(place, ACL_DEFAULT, this.defaultAcl), 'setxattr', this.name);
    this.fitMode(place);
  }

  /** Set-id bits are lost on the way: to a change of owner, to mkdir(2). */
  private fitMode(place: Place): void {
    const wanted = this.inherited.mode & 0o7777;
    const stat = statAt(place.fd, place.name);
    if (typeof stat !== 'number' && (stat.mode & 0o7777) === wanted) return;
    must(changeMode(place, wanted), 'chmod', this.name);
  }

  nameless(): { fd: number; upper: Real } {
    const fd = createAt(this.dirfd, '.', O_TMPFILE | O_RDWR, this.inherited.mode & 0o777);
    if (fd < 0) throw new SystemError(-fd, 'open', this.name);
    try {
      this.dress(placeOfFd(fd));
      const { directory, layer } = this.directory;
      const path = openPlace(placeOfFd(fd), O_PATH);
      if (path < 0) throw new SystemError(-path, 'open', '');
      const stat = statFd(fd, '');
      const upper = { layer, parent: directory!, name: '', stat, directory: null, xattrs: [], fd: path };
      refreshXattrs(this.stack, upper);
      return { fd, upper };
    } catch (error) {
      closeFile(fd);
      throw error;
    }
  }
}

/**
 * Another name for a file (semantics 4.3, 4.4). The source is copied up first; a metacopy gets an absolute redirect,
 * because its data are found by its path.
 */
export function linkObject(stack: OverlayStack, source: Entry, parent: Entry, name: ByteString): Entry {
  const area = areaOf(stack);
  refuseMarkName(stack, name);
  copyUp(stack, source, 'metadata');
  copyUp(stack, parent, 'metadata');
  const upper = source.upper!;
  const directory = parent.upper!;
  const whiteout = whiteoutAt(stack, parent, name);
  if (source.indexed) keepLinks(stack, source, unionLinks(stack, source));
  if (source.metacopy) setRedirect(stack, source, true);
  if (originOf(stack, source)) setImpure(stack, directory);
  const from = placeOf(stack.directories, upper);
  if (whiteout === 'object') {
    const temporary = area.temporaryName();
    must(makeLinkAt(from, area.workFd, temporary), 'link', name);
    const result = renameAt(area.workFd, temporary, stack.directories.fdOf(directory.directory!), name);
    if (result < 0) area.discard(temporary);
    must(result, 'rename', name);
  } else {
    // The descriptor of the source's directory may go when the other is opened: names first.
    const dirfd = stack.directories.fdOf(directory.directory!);
    must(makeLinkAt(placeOf(stack.directories, upper), dirfd, name), 'link', name);
    if (whiteout === 'mark') area.dropMark(stack.directories.fdOf(directory.directory!), name);
  }
  refresh(stack, directory);
  const linked = realInUpper(stack, directory.directory!, name);
  if (upper.fd >= 0) nameAgain(source, parent, name, linked);
  else refresh(stack, upper);
  return { ...source, parent, name, upper: linked };
}

/** A file that had no name has this one now. */
function nameAgain(entry: Entry, parent: Entry, name: ByteString, linked: Real): void {
  closeFile(entry.upper!.fd);
  Object.assign(entry, { parent, name });
  entry.upper = linked;
}
