// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { AT_FDCWD, cString, fail, lastErrno, libc } from './libc';

const statx = libc.func('int statx(int, const void *, int, uint32_t, void *)');

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
// STATX_BASIC_STATS; birth time and mount id are not asked for, they cost on some file systems.
const MASK = 0x7ff;

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

/**
 * What statx(2) says of an object. 64-bit values that may pass 2^53 (inode numbers) stay in two 32-bit halves, so
 * that no BigInt is made for a file.
 */
export interface Stat {
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly inoLow: number;
  readonly inoHigh: number;
  /** Bytes. */
  readonly size: number;
  /** Units of 512 bytes. */
  readonly blocks: number;
  readonly blksize: number;
  /** Seconds since the epoch, and the nanoseconds of each. */
  readonly atime: number;
  readonly atimeNs: number;
  readonly mtime: number;
  readonly mtimeNs: number;
  readonly ctime: number;
  readonly ctimeNs: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly devMajor: number;
  readonly devMinor: number;
  /** `STATX_ATTR_*` of the low 32 bits. */
  readonly attributes: number;
}

/** Cannot be changed, or only be appended to (chattr(1)). */
export const STATX_ATTR_IMMUTABLE = 0x10;
export const STATX_ATTR_APPEND = 0x20;

const buffer = Buffer.alloc(256);
const u32 = new Uint32Array(buffer.buffer, buffer.byteOffset, 64);
const i32 = new Int32Array(buffer.buffer, buffer.byteOffset, 64);

const word = (index: number): number => u32[index]!;
const wide = (index: number): number => u32[index]! + u32[index + 1]! * 0x1_0000_0000;
const signedWide = (index: number): number => u32[index]! + i32[index + 1]! * 0x1_0000_0000;

/** Field positions are those of `struct statx` (statx(2)), in 32-bit words. */
function parse(): Stat {
  return {
    mode: word(7) & 0xffff,
    nlink: word(4),
    uid: word(5),
    gid: word(6),
    inoLow: word(8),
    inoHigh: word(9),
    size: wide(10),
    blocks: wide(12),
    blksize: word(1),
    atime: signedWide(16),
    atimeNs: word(18),
    ctime: signedWide(24),
    ctimeNs: word(26),
    mtime: signedWide(28),
    mtimeNs: word(30),
    rdevMajor: word(32),
    rdevMinor: word(33),
    devMajor: word(34),
    devMinor: word(35),
    attributes: word(2),
  };
}

/**
 * Metadata of `name` in the open directory, symlinks not followed; of the directory's own object where it is empty.
 * @returns the stat, or the negative errno: a missing name is the common case and must not cost an exception
 */
export function statAt(dirfd: number, name: ByteString): Stat | number {
  if (statx(dirfd, cString(name), AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, MASK, buffer) !== 0) return -lastErrno();
  return parse();
}

const empty = Buffer.from([0]);

/** Metadata of an open file. */
export function statFd(fd: number, path: ByteString): Stat {
  if (statx(fd, empty, AT_EMPTY_PATH, MASK, buffer) !== 0) fail('statx', path);
  return parse();
}

/** Metadata of what `path` leads to, symlinks followed. */
export function statPath(path: ByteString): Stat {
  if (statx(AT_FDCWD, cString(path), 0, MASK, buffer) !== 0) fail('statx', path);
  return parse();
}

export const isDirectory = (mode: number): boolean => (mode & S_IFMT) === S_IFDIR;
export const isRegular = (mode: number): boolean => (mode & S_IFMT) === S_IFREG;
export const isSymlink = (mode: number): boolean => (mode & S_IFMT) === S_IFLNK;
export const isSocket = (mode: number): boolean => (mode & S_IFMT) === S_IFSOCK;
