// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { AT_FDCWD, cString, fail, lastErrno, libc } from './libc';
import { procPath, type Place } from './place';

const openat = libc.func('int openat(int, const void *, int, uint32_t)');
const openat2 = libc.func('syscall', 'long', ['long', 'int', 'const void *', 'const void *', 'size_t']);
const closeFd = libc.func('int close(int)');
const readlinkat = libc.func('long readlinkat(int, const void *, void *, size_t)');
const preadFd = libc.func('long pread64(int, void *, size_t, int64_t)');
const getdents = libc.func('syscall', 'long', ['long', 'int', 'void *', 'size_t']);
const lseek = libc.func('int64_t lseek(int, int64_t, int)');

const SYS_OPENAT2 = 437;
const SYS_GETDENTS64 = 217;

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
export const O_NOATIME = 0o1000000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;
export const O_TMPFILE = 0o20200000;

const RESOLVE_NO_XDEV = 0x01;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;

/** Opens `name` in the directory. Returns the descriptor, or the negative errno. */
export function openAt(dirfd: number, name: ByteString, flags: number): number {
  const fd = openat(dirfd, cString(name), flags | O_CLOEXEC, 0) as number;
  return fd < 0 ? -lastErrno() : fd;
}

/** Opens and, with O_CREAT or O_TMPFILE, makes a file. Returns the descriptor, or the negative errno. */
export function createAt(dirfd: number, name: ByteString, flags: number, mode: number): number {
  const fd = openat(dirfd, cString(name), flags | O_CLOEXEC, mode) as number;
  return fd < 0 ? -lastErrno() : fd;
}

/** Opens what a place names; an O_PATH descriptor's object is opened anew. Returns the descriptor or negative errno. */
export function openPlace(place: Place, flags: number): number {
  if (place.name === '') return openAt(AT_FDCWD, procPath(place), flags & ~O_NOFOLLOW);
  return openAt(place.fd, place.name, flags | O_NOFOLLOW);
}

/** Opens a path of the user's own, symlinks followed. Throws a SystemError. */
export function openPath(path: ByteString, flags: number): number {
  const fd = openAt(AT_FDCWD, path, flags);
  return fd < 0 ? fail('open', path) : fd;
}

const how = Buffer.alloc(24);
const howWords = new Uint32Array(how.buffer, how.byteOffset, 6);

/**
 * Opens a path below a directory that an untrusted image names: no symlink is followed, no mount crossed, and `..`
 * cannot leave the directory (semantics 2.6, openat2(2)). Returns the descriptor, or the negative errno.
 */
export function openBeneath(dirfd: number, path: ByteString, flags: number): number {
  howWords[0] = flags | O_CLOEXEC;
  howWords[4] = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const fd = openat2(SYS_OPENAT2, dirfd, cString(path), how, how.length) as number;
  return fd < 0 ? -lastErrno() : fd;
}

export function closeFile(fd: number): void {
  closeFd(fd);
}

const linkBuffer = Buffer.alloc(4096);

/** Target of the symlink `name` in the directory, or the negative errno. */
export function readLinkAt(dirfd: number, name: ByteString): ByteString | number {
  const length = readlinkat(dirfd, cString(name), linkBuffer, linkBuffer.length) as number;
  return length < 0 ? -lastErrno() : linkBuffer.toString('latin1', 0, length);
}

/** Reads into `target` from `offset` of the file. Returns the bytes read, or the negative errno. */
export function readFile(fd: number, target: Uint8Array, length: number, offset: number): number {
  const count = preadFd(fd, target, length, offset) as number;
  return count < 0 ? -lastErrno() : count;
}

/** One entry as getdents64(2) gives it, `.` and `..` included. */
export interface DirectoryEntry {
  readonly name: ByteString;
  readonly inoLow: number;
  readonly inoHigh: number;
  /** `DT_*` of dirent.h: the type bits of st_mode shifted right by 12. */
  readonly type: number;
}

const direntBuffer = Buffer.alloc(65536);
const direntView = new DataView(direntBuffer.buffer, direntBuffer.byteOffset, direntBuffer.length);
const SEEK_SET = 0;

/** All entries of an open directory in the file system's own order. Throws a SystemError. */
export function readDirectory(fd: number, path: ByteString): DirectoryEntry[] {
  if ((lseek(fd, 0, SEEK_SET) as number) < 0) fail('lseek', path);
  const entries: DirectoryEntry[] = [];
  for (;;) {
    const length = getdents(SYS_GETDENTS64, fd, direntBuffer, direntBuffer.length) as number;
    if (length < 0) fail('getdents64', path);
    if (length === 0) return entries;
    for (let at = 0; at < length;) {
      const record = direntView.getUint16(at + 16, true);
      const start = at + 19;
      entries.push({
        name: direntBuffer.toString('latin1', start, direntBuffer.indexOf(0, start)),
        inoLow: direntView.getUint32(at, true),
        inoHigh: direntView.getUint32(at + 4, true),
        type: direntBuffer[at + 18]!,
      });
      at += record;
    }
  }
}

/** lseek(2). Returns the new offset, or the negative errno (-ENXIO past the end for SEEK_DATA and SEEK_HOLE). */
export function seekFile(fd: number, offset: number, whence: number): number {
  const found = Number(lseek(fd, offset, whence));
  return found < 0 ? -lastErrno() : found;
}

const fcntl = libc.func('int fcntl(int, int, int)');
const F_SETFL = 4;

/** Makes reads from the descriptor return at once (EAGAIN) where they would wait. */
export function setNonBlocking(fd: number): void {
  const O_RDWR = 2;
  fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
}
