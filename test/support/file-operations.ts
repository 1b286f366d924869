// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { changeMode, changeOwner, changeTimes } from '../../src/main/system/attributes';
import { allocate, copyRange, syncFile, truncateFd, writeAt } from '../../src/main/system/file-content';
import { getFileFlags, setFileFlags } from '../../src/main/system/file-flags';
import {
  closeFile,
  createAt,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_TMPFILE,
  openAt,
  readDirectory,
  readFile,
  readLinkAt,
} from '../../src/main/system/files';
import { AT_FDCWD, errnoName, libc, SystemError } from '../../src/main/system/libc';
import {
  makeDirectoryAt,
  makeLinkAt,
  makeNodeAt,
  makeSymlinkAt,
  removeDirectoryAt,
  renameAt,
  unlinkAt,
} from '../../src/main/system/names';
import { placeOfFd } from '../../src/main/system/place';
import { isDirectory, isRegular, isSymlink, statAt, type Stat } from '../../src/main/system/stat';
import { getXattrAt, listXattrsAt, removeXattrAt, setXattrAt } from '../../src/main/system/xattr';

/** One system call of a program, as data: what the differential test makes up, runs on both mounts, and shrinks. */
export type FileOperation = { readonly user: boolean } & (
  | { kind: 'open'; slot: number; path: ByteString; flags: number; mode: number }
  | { kind: 'tmpfile'; slot: number; path: ByteString; mode: number }
  | { kind: 'close' | 'fstat' | 'fsync' | 'readAll'; slot: number }
  | { kind: 'write'; slot: number; at: number; text: ByteString }
  | { kind: 'ftruncate'; slot: number; size: number }
  | { kind: 'fallocate'; slot: number; mode: number; at: number; length: number }
  | { kind: 'copyRange'; slot: number; to: number; at: number; toAt: number; length: number }
  | { kind: 'fchmod'; slot: number; mode: number }
  | { kind: 'fchown'; slot: number; uid: number; gid: number }
  | { kind: 'futimens'; slot: number; seconds: number; nanoseconds: number }
  | { kind: 'fsetxattr'; slot: number; name: ByteString; value: ByteString }
  | { kind: 'linkSlot'; slot: number; path: ByteString }
  | { kind: 'opendir'; slot: number; path: ByteString }
  | { kind: 'readdir'; slot: number; path: ByteString }
  | { kind: 'mkdir' | 'chmod'; path: ByteString; mode: number }
  | { kind: 'mknod'; path: ByteString; mode: number; major: number; minor: number }
  | { kind: 'symlink'; path: ByteString; target: ByteString }
  | { kind: 'link' | 'rename'; path: ByteString; to: ByteString; flags: number }
  | { kind: 'unlink' | 'rmdir' | 'stat' | 'list' | 'content' | 'flags'; path: ByteString }
  | { kind: 'truncate'; path: ByteString; size: number }
  | { kind: 'chown'; path: ByteString; uid: number; gid: number }
  | { kind: 'utimens'; path: ByteString; seconds: number; nanoseconds: number }
  | { kind: 'setxattr'; path: ByteString; name: ByteString; value: ByteString; flags: number }
  | { kind: 'removexattr'; path: ByteString; name: ByteString }
  | { kind: 'setflags'; path: ByteString; flags: number }
);

export const SLOTS = 4;
const O_PATH_ACCESS = O_RDONLY | O_NONBLOCK | O_NOFOLLOW;
const setfsuid = libc.func('int setfsuid(uint32_t)');
const setfsgid = libc.func('int setfsgid(uint32_t)');
const setUmask = libc.func('uint32_t umask(uint32_t)');
const USER = 1000;
const buffer = Buffer.alloc(1 << 17);

/** A program that works in a mounted tree: it keeps files open, and tells what each call gave it. */
export class Program {
  private readonly slots: (number | null)[] = new Array<null>(SLOTS).fill(null);
  /** The directories in which open files were (an open directory itself) before a name went. */
  private readonly above: (number | null)[] = new Array<null>(SLOTS).fill(null);
  private readonly numbers = new Map<string, number>();
  private readonly root: number;

  /** Of who runs us; put back at the end. */
  private readonly umask: number | null = null;

  /**
   * @param now  seconds: times from then on are told as `now`
   * @param exact also tells inode numbers, as the order in which they were first seen: on a file system that does not
   *              use numbers again
   * @param byPath leaves out what is open and cannot be reached by a path any more, which libfuse 2 knows of regular
   *               files alone, and below a removed directory of none; without a umask, which through libfuse 2 counts
   *               in a directory with a default ACL too
   */
  constructor(
    at: ByteString,
    private readonly now: number,
    private readonly exact: boolean,
    private readonly byPath = false,
  ) {
    this.root = must(openAt(AT_FDCWD, at, O_RDONLY | O_DIRECTORY));
    if (byPath) this.umask = setUmask(0) as number;
  }

  /** Runs one call. Returns its result, or the name of its error. */
  run(operation: FileOperation): string {
    if (operation.user) {
      setfsgid(USER);
      setfsuid(USER);
    }
    try {
      if (this.byPath) this.noteDirectories();
      return this.perform(operation);
    } catch (error) {
      if (error instanceof SystemError) return error.code;
      throw error;
    } finally {
      setfsuid(0);
      setfsgid(0);
    }
  }

  close(): void {
    for (let slot = 0; slot < SLOTS; slot++) this.closeSlot(slot);
    closeFile(this.root);
    if (this.umask !== null) setUmask(this.umask);
  }

  private closeSlot(slot: number): string {
    const fd = this.slots[slot];
    if (fd === null || fd === undefined) return 'empty';
    closeFile(fd);
    this.slots[slot] = null;
    this.noteAbove(slot, null);
    return 'closed';
  }

  private noteAbove(slot: number, fd: number | null): void {
    const before = this.above[slot] ?? null;
    if (before !== null) closeFile(before);
    this.above[slot] = fd;
  }

  private noteDirectories(): void {
    for (const [slot, fd] of this.slots.entries()) {
      if (fd === null || isDeleted(fd)) continue;
      const path = pathOfFd(fd);
      const own = openAt(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      const open = (at: ByteString): number => must(openAt(AT_FDCWD, at, O_PATH | O_DIRECTORY));
      this.noteAbove(slot, own >= 0 ? own : open(path.slice(0, path.lastIndexOf('/'))));
    }
  }

  private isOutOfReach(slot: number, fd: number): boolean {
    if (!this.byPath || !isDeleted(fd)) return false;
    const above = this.above[slot] ?? null;
    return !isRegularFd(fd) || above === null || isDeleted(above);
  }

  private keep(slot: number, fd: number): string {
    if (fd < 0) return errnoName(-fd);
    this.closeSlot(slot);
    this.slots[slot] = fd;
    return 'open';
  }

  private onFd(slot: number, use: (fd: number) => string): string {
    const fd = this.slots[slot];
    if (fd === null || fd === undefined) return 'empty';
    return this.isOutOfReach(slot, fd) ? 'out of reach' : use(fd);
  }

  private perform(operation: FileOperation): string {
    const { root } = this;
    switch (operation.kind) {
      case 'open':
        return this.keep(operation.slot, createAt(root, operation.path, operation.flags | O_NONBLOCK, operation.mode));
      case 'tmpfile':
        return this.keep(operation.slot, createAt(root, operation.path, O_TMPFILE | 2, operation.mode));
      case 'opendir':
        return this.keep(operation.slot, openAt(root, operation.path, O_RDONLY | O_DIRECTORY));
      case 'close':
        return this.closeSlot(operation.slot);
      case 'fstat':
        return this.onFd(operation.slot, (fd) => this.describe(statAt(fd, '')));
      case 'fsync':
        return this.onFd(operation.slot, (fd) => told(syncFile(fd, false)));
      case 'readAll':
        return this.onFd(operation.slot, (fd) => contentOf(fd));
      case 'write':
        return this.onFd(operation.slot, (fd) => {
          const bytes = Buffer.from(operation.text, 'latin1');
          return told(writeAt(fd, bytes, bytes.length, operation.at));
        });
      case 'ftruncate':
        return this.onFd(operation.slot, (fd) => told(truncateFd(fd, operation.size)));
      case 'fallocate':
        return this.onFd(operation.slot, (fd) => told(allocate(fd, operation.mode, operation.at, operation.length)));
      case 'copyRange':
        return this.onFd(operation.slot, (fd) =>
          // Within one file the kernel's check looks at a size that its overlay does not keep.
          this.onFd(operation.to, (to) =>
            isSameFile(fd, to) ? 'same file' : told(copyRange(fd, operation.at, to, operation.toAt, operation.length)),
          ),
        );
      case 'fchmod':
        return this.onFd(operation.slot, (fd) => told(fchmod(fd, operation.mode)));
      case 'fchown':
        return this.onFd(operation.slot, (fd) => told(changeOwner(placeOfFd(fd), operation.uid, operation.gid)));
      case 'futimens':
        return this.onFd(operation.slot, (fd) => told(setTimes(fd, '', operation)));
      case 'fsetxattr':
        return this.onFd(operation.slot, (fd) => told(setXattrAt(placeOfFd(fd), operation.name, operation.value)));
      case 'linkSlot':
        return this.onFd(operation.slot, (fd) => told(makeLinkAt(placeOfFd(fd), root, operation.path)));
      case 'readdir':
        return this.onFd(operation.slot, (fd) => names(fd));
      case 'mkdir':
        return told(makeDirectoryAt(root, operation.path, operation.mode));
      case 'chmod':
        return told(this.changeMode(operation.path, operation.mode));
      case 'mknod':
        return told(makeNodeAt(root, operation.path, operation.mode, operation.major, operation.minor));
      case 'symlink':
        return told(makeSymlinkAt(operation.target, root, operation.path));
      case 'link':
        return told(makeLinkAt({ fd: root, name: operation.path }, root, operation.to));
      case 'rename':
        return told(renameAt(root, operation.path, root, operation.to, operation.flags));
      case 'unlink':
        return told(unlinkAt(root, operation.path));
      case 'rmdir':
        return told(removeDirectoryAt(root, operation.path));
      case 'stat':
        return (
          this.describe(statAt(root, operation.path)) + (operation.user ? '' : this.describeXattrs(operation.path))
        );
      case 'list':
        return this.withOpen(operation.path, O_RDONLY | O_DIRECTORY, names);
      case 'content':
        return this.content(operation.path);
      case 'flags':
        return this.withOpen(operation.path, O_PATH_ACCESS, (fd) => told(getFileFlags(fd)));
      case 'setflags':
        return this.withOpen(operation.path, O_PATH_ACCESS, (fd) => told(setFileFlags(fd, operation.flags)));
      case 'truncate':
        return this.withOpen(operation.path, 1 | O_NONBLOCK | O_NOFOLLOW, (fd) => told(truncateFd(fd, operation.size)));
      case 'chown':
        return told(changeOwner({ fd: root, name: operation.path }, operation.uid, operation.gid));
      case 'utimens':
        return told(setTimes(root, operation.path, operation));
      case 'setxattr':
        return told(setXattrAt({ fd: root, name: operation.path }, operation.name, operation.value, operation.flags));
      case 'removexattr':
        return told(removeXattrAt({ fd: root, name: operation.path }, operation.name));
    }
  }

  private changeMode(path: ByteString, mode: number): number {
    const stat = statAt(this.root, path);
    if (typeof stat === 'number') return stat;
    return isSymlink(stat.mode) ? 0 : changeMode({ fd: this.root, name: path }, mode);
  }

  private withOpen(path: ByteString, flags: number, use: (fd: number) => string): string {
    const fd = openAt(this.root, path, flags);
    if (fd < 0) return errnoName(-fd);
    try {
      return use(fd);
    } finally {
      closeFile(fd);
    }
  }

  private content(path: ByteString): string {
    const target = readLinkAt(this.root, path);
    if (typeof target !== 'number') return `-> ${target}`;
    const stat = statAt(this.root, path);
    if (typeof stat !== 'number' && (stat.mode & 0o170000) !== 0o100000) return 'no file';
    return this.withOpen(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, contentOf);
  }

  private describe(stat: Stat | number): string {
    if (typeof stat === 'number') return errnoName(-stat);
    const { mode, uid, gid, nlink, mtime, mtimeNs, rdevMajor, rdevMinor, inoHigh, inoLow } = stat;
    const size = isDirectory(mode) ? '' : ` size=${stat.size}`;
    const time = mtime >= this.now ? 'now' : `${mtime}.${mtimeNs}`;
    const key = `${inoHigh}:${inoLow}`;
    if (!this.numbers.has(key)) this.numbers.set(key, this.numbers.size);
    const ino = this.exact ? ` ino#${this.numbers.get(key)}` : '';
    return `${mode.toString(8)} ${uid}:${gid}${size} nlink=${nlink} ${time} ${rdevMajor}:${rdevMinor}${ino}`;
  }

  private describeXattrs(path: ByteString): string {
    const found = listXattrsAt(this.root, path);
    if (typeof found === 'number') return ` xattrs ${errnoName(-found)}`;
    return ` ${JSON.stringify([...found].sort().map((name) => [name, getXattrAt(this.root, path, name)]))}`;
  }
}

function isSameFile(a: number, b: number): boolean {
  const [one, other] = [statAt(a, ''), statAt(b, '')];
  if (typeof one === 'number' || typeof other === 'number') return false;
  return one.inoLow === other.inoLow && one.inoHigh === other.inoHigh;
}

const DELETED = ' (deleted)';

const pathOfFd = (fd: number): ByteString => String(readLinkAt(AT_FDCWD, `/proc/self/fd/${fd}`));
const isDeleted = (fd: number): boolean => pathOfFd(fd).endsWith(DELETED);

function isRegularFd(fd: number): boolean {
  const stat = statAt(fd, '');
  return typeof stat !== 'number' && isRegular(stat.mode);
}

const fchmodCall = libc.func('int fchmod(int, uint32_t)');
const fchmod = (fd: number, mode: number): number => (fchmodCall(fd, mode) === 0 ? 0 : changeMode(placeOfFd(fd), mode));

function setTimes(fd: number, name: ByteString, time: { seconds: number; nanoseconds: number }): number {
  if (time.seconds === 0) return changeTimes({ fd, name }, 'keep', 'now');
  return changeTimes({ fd, name }, time, time);
}

function must(result: number): number {
  if (result < 0) throw new SystemError(-result, 'open', '');
  return result;
}

const told = (result: number): string => (result < 0 ? errnoName(-result) : String(result));

function contentOf(fd: number): string {
  const count = readFile(fd, buffer, buffer.length, 0);
  return count < 0 ? errnoName(-count) : JSON.stringify(buffer.toString('latin1', 0, count));
}

/** In an order of their own: that of the upper's file system depends on what was there before. */
function names(fd: number): string {
  return JSON.stringify(
    readDirectory(fd, '')
      .map(({ name, type }) => `${name} ${type}`)
      .sort(),
  );
}
