// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ACL_DEFAULT } from '../../overlay/posix-acl';
import { OVERLAY_XATTRS, type OverlayXattrs } from '../../overlay/xattr-names';
import { changeMode, changeOwner, changeTimes } from '../../system/attributes';
import { closeFile, createAt, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from '../../system/files';
import { ERRNO, must, SystemError } from '../../system/libc';
import { makeDirectoryAt, makeLinkAt, makeNodeAt, makeSymlinkAt, unlinkAt } from '../../system/names';
import { setXattrFd } from '../../system/open-file';
import { placeOfFd, type Place } from '../../system/place';
import { isDirectory, isRegular, S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, statAt } from '../../system/stat';
import { getXattrAt, setXattrAt } from '../../system/xattr';
import type { TarEntry } from '../tar/entry';
import type { TarTime } from '../tar/numbers';
import { TarError } from '../tar/tar-error';
import { DirectoryTrail, type Mend } from './directory-trail';
import { layerXattrs } from './layer-xattrs';
import { applyToPlace, type MetadataForm } from './metadata';
import { IMPLIED_RECORD, OVERRIDE_STAT, RECORDED_MODE } from './owner-record';
import type { UnpackTarget } from './unpack-target';

type Path = readonly ByteString[];

/** What a directory gets when nothing more is made in it. */
interface DirectoryEnd {
  readonly atime: TarTime;
  readonly mtime: TarTime;
  readonly defaultAcl: ByteString | null;
  /** Whether an entry told of it, and not only the names of others. */
  readonly told: boolean;
}

const EPOCH: TarTime = { seconds: 0, nanoseconds: 0 };
const IMPLIED: DirectoryEnd = { atime: EPOCH, mtime: EPOCH, defaultAcl: null, told: false };
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

/**
 * The folder that one layer is unpacked into. Names are made one component at a time below an open directory, with
 * calls that follow no symlink and replace nothing; of what exists only whiteouts make room.
 *
 * Directories that no entry tells of belong to root, with mode 0755, as Docker makes them, and are as old as the epoch, so
 * that the same layer always gives the same tree.
 * @throws TarError, SystemError
 */
export class LayerFolder {
  private readonly trail: DirectoryTrail;
  /** For the targets of hard links, which are elsewhere. */
  private readonly targets: DirectoryTrail;
  private readonly directories = new Map<ByteString, DirectoryEnd>();
  private readonly names: OverlayXattrs;
  readonly form: MetadataForm;

  constructor({ folder, names, owners }: UnpackTarget) {
    this.names = OVERLAY_XATTRS[names];
    this.form = { names: this.names, recorded: owners === 'recorded' };
    this.trail = new DirectoryTrail(folder);
    this.targets = new DirectoryTrail(folder);
    this.imply(placeOfFd(this.trail.open([], 0)), '');
  }

  /** Makes a directory, or gives one that is there the entry's metadata. Returns whether an entry told of it before. */
  directory(path: Path, entry: TarEntry): boolean {
    const key = path.join('/');
    let place: Place;
    if (path.length === 0) place = placeOfFd(this.trail.open(path, 0));
    else {
      const name = path[path.length - 1]!;
      place = { fd: this.parent(path), name };
      const made = makeDirectoryAt(place.fd, name, 0o700);
      if (made === -ERRNO.EEXIST) this.overWhiteout(place, path);
      else must(made, 'mkdir', key);
    }
    applyToPlace(place, entry, this.form);
    const told = this.directories.get(key)?.told ?? false;
    const { defaultAcl } = layerXattrs(entry, this.names, this.form.recorded);
    this.directories.set(key, { atime: entry.atime ?? entry.mtime, mtime: entry.mtime, defaultAcl, told: true });
    return told;
  }

  /** Makes an empty regular file. Returns its descriptor. */
  file(path: Path): number {
    return this.make(path, 'open', (fd, name) => createAt(fd, name, NEW_FILE, 0o600));
  }

  symlink(path: Path, entry: TarEntry): void {
    if (entry.linkName.includes('\0') || entry.linkName === '') throw unsafe('it is a symlink that leads nowhere');
    this.make(path, 'symlink', (fd, name) => makeSymlinkAt(entry.linkName, fd, name));
    applyToPlace(this.placeOf(path), entry, this.form);
  }

  /** @param target of the layer too, and made before */
  hardLink(path: Path, target: Path): void {
    if (target.length === 0) throw unsafe('it is a hard link to a directory');
    const name = target[target.length - 1]!;
    const fd = this.targets.open(target, target.length - 1, (_, depth, errno) => {
      throw errno === ERRNO.ENOENT ? missing(target) : notDirectory(target.slice(0, depth + 1));
    });
    const source = { fd, name };
    const stat = statAt(fd, name);
    if (typeof stat === 'number' || this.isWhiteout(source)) throw missing(target);
    if (isDirectory(stat.mode)) throw unsafe('it is a hard link to a directory');
    this.make(path, 'link', (at, last) => makeLinkAt(source, at, last));
  }

  /**
   * Makes a device or fifo; with recorded owners an empty file that says so. Root of a user namespace may make no devices
   * and has no use for them: they are left out, as containers/storage does, and stay in the tar-split record alone.
   */
  node(path: Path, entry: TarEntry): void {
    if (this.form.recorded) closeFile(this.file(path));
    else if (!this.makeNode(path, entry)) return;
    applyToPlace(this.placeOf(path), entry, this.form);
  }

  private makeNode(path: Path, { kind, major, minor }: TarEntry): boolean {
    const type = kind === 'fifo' ? S_IFIFO : kind === 'block' ? S_IFBLK : S_IFCHR;
    try {
      this.make(path, 'mknod', (fd, name) => makeNodeAt(fd, name, type | 0o600, major, minor));
      return true;
    } catch (error) {
      const isForbidden = error instanceof SystemError && error.errno === ERRNO.EPERM;
      if (isForbidden && this.names === OVERLAY_XATTRS.user) return false;
      throw error;
    }
  }

  /**
   * Takes a name away from the layers below. What the layer itself has under the name stays (OCI image-spec, layer.md,
   * "Whiteouts"): a directory of it becomes opaque. Returns whether the same was said before.
   */
  whiteout(path: Path): boolean {
    const name = path[path.length - 1]!;
    const fd = this.parent(path, { belowWhiteout: 'nothing' });
    if (fd < 0) return false;
    const made = makeNodeAt(fd, name, S_IFCHR, 0, 0);
    if (made === 0) return false;
    const place = { fd, name };
    if (made !== -ERRNO.EEXIST) {
      this.xattrWhiteout(place, made);
      return false;
    }
    if (this.isWhiteout(place)) return true;
    const stat = statAt(fd, name);
    if (typeof stat !== 'number' && isDirectory(stat.mode)) this.setOpaque(place);
    return false;
  }

  /** Takes all names of a directory away from the layers below. */
  opaque(path: Path): void {
    this.setOpaque(placeOfFd(this.trail.open(path, path.length, this.mend(path))));
  }

  /** Gives the directories what would not have stayed before. Returns the bytes that they take on disk. */
  finish(): number {
    let bytes = 0;
    for (const key of [...this.directories.keys()].sort()) {
      const { atime, mtime, defaultAcl } = this.directories.get(key)!;
      const path = key === '' ? [] : key.split('/');
      const place = placeOfFd(this.trail.open(path, path.length));
      if (defaultAcl !== null) must(setXattrAt(place, ACL_DEFAULT, defaultAcl), 'setxattr', key);
      must(changeTimes(place, atime, mtime), 'utimensat', key);
      const stat = statAt(place.fd, '');
      if (typeof stat !== 'number') bytes += stat.blocks * 512;
    }
    return bytes;
  }

  close(): void {
    this.trail.close();
    this.targets.close();
  }

  private placeOf(path: Path): Place {
    return { fd: this.parent(path), name: path[path.length - 1]! };
  }

  /** The directory that a name is made in; -1 for one that a whiteout of the layer took away. */
  private parent(path: Path, options?: { readonly belowWhiteout: 'nothing' }): number {
    if (options === undefined) return this.trail.open(path, path.length - 1, this.mend(path));
    try {
      return this.trail.open(path, path.length - 1, this.mend(path, true));
    } catch (error) {
      if (error === BELOW_WHITEOUT) return -1;
      throw error;
    }
  }

  /** Makes directories that no entry told of, and those that a whiteout stands for: it hid what is below, as they do. */
  private mend(path: Path, stopAtWhiteout = false): Mend {
    return (fd, depth, errno) => {
      const name = path[depth]!;
      const place = { fd, name };
      const isWhiteout = errno !== ERRNO.ENOENT && this.isWhiteout(place);
      if (errno !== ERRNO.ENOENT && !isWhiteout) {
        if (errno === ERRNO.ENOTDIR || errno === ERRNO.ELOOP) throw notDirectory(path.slice(0, depth + 1));
        return false;
      }
      // Of a removed tree some tools list the removed names as well.
      if (isWhiteout && stopAtWhiteout) throw BELOW_WHITEOUT;
      if (isWhiteout) must(unlinkAt(fd, name), 'unlink', name);
      must(makeDirectoryAt(fd, name, 0o700), 'mkdir', name);
      this.imply(place, path.slice(0, depth + 1).join('/'));
      if (isWhiteout) this.setOpaque(place);
      return true;
    };
  }

  private imply(place: Place, key: ByteString): void {
    if (this.form.recorded) {
      must(changeMode(place, RECORDED_MODE), 'chmod', key);
      must(setXattrAt(place, OVERRIDE_STAT, IMPLIED_RECORD), 'setxattr', key);
    } else {
      must(changeOwner(place, 0, 0), 'chown', key);
      must(changeMode(place, 0o755), 'chmod', key);
    }
    this.directories.set(key, IMPLIED);
  }

  private make(path: Path, syscall: string, call: (fd: number, name: ByteString) => number): number {
    if (path.length === 0) throw unsafe('it takes the place of the root of the layer, and is no directory');
    const name = path[path.length - 1]!;
    const fd = this.parent(path);
    let made = call(fd, name);
    if (made === -ERRNO.EEXIST) {
      if (!this.isWhiteout({ fd, name })) throw twice();
      must(unlinkAt(fd, name), 'unlink', name);
      made = call(fd, name);
    }
    return must(made, syscall, name);
  }

  /** A directory where something is: merged with a directory, opaque over a whiteout. */
  private overWhiteout(place: Place, path: Path): void {
    const stat = statAt(place.fd, place.name);
    if (typeof stat !== 'number' && isDirectory(stat.mode)) return;
    if (!this.isWhiteout(place)) throw twice();
    must(unlinkAt(place.fd, place.name), 'unlink', place.name);
    must(makeDirectoryAt(place.fd, place.name, 0o700), 'mkdir', path.join('/'));
    this.setOpaque(place);
  }

  /** No entry makes a device 0:0 or sets the attribute: both are ours. */
  private isWhiteout({ fd, name }: Place): boolean {
    const stat = statAt(fd, name);
    if (typeof stat === 'number') return false;
    if ((stat.mode & S_IFMT) === S_IFCHR) return stat.rdevMajor === 0 && stat.rdevMinor === 0;
    return isRegular(stat.mode) && stat.size === 0 && typeof getXattrAt(fd, name, this.names.whiteout) === 'string';
  }

  private setOpaque(place: Place): void {
    must(setXattrAt(place, this.names.opaque, 'y'), 'setxattr', place.name);
  }

  /** Where mknod(2) is not to be had: an empty file with the attribute, in a directory that says so (semantics 1.3). */
  private xattrWhiteout({ fd, name }: Place, refusal: number): void {
    if (refusal !== -ERRNO.EPERM && refusal !== -ERRNO.EOPNOTSUPP) must(refusal, 'mknod', name);
    const file = must(createAt(fd, name, NEW_FILE, 0o600), 'open', name);
    try {
      must(setXattrFd(file, this.names.whiteout, 'y'), 'fsetxattr', name);
    } finally {
      closeFile(file);
    }
    const parent = placeOfFd(fd);
    if (getXattrAt(fd, '', this.names.opaque) !== 'y')
      must(setXattrAt(parent, this.names.opaque, 'x'), 'setxattr', name);
  }
}

const BELOW_WHITEOUT = new Error('below a whiteout');

const unsafe = (message: string): TarError => new TarError('unsafe-entry', message);

const twice = (): TarError =>
  unsafe('the layer has this name twice, and the record of a layer has room for the content of one');

const notDirectory = (path: Path): TarError =>
  unsafe(`"${path.join('/')}" is no directory in this layer, and nothing is made behind a file or symlink`);

const missing = (target: Path): TarError =>
  unsafe(`it is a hard link to "${target.join('/')}", which the layer has not made before`);
