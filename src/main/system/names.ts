// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { AT_FDCWD, cString, ERRNO, lastErrno, libc } from './libc';
import { procPath, type Place } from './place';

/*
 * Calls that change the names of a directory, given by its descriptor. Each returns 0 or the negative errno: many
 * failures are answers that a program waits for, and must not cost an exception.
 */
const mkdirat = libc.func('int mkdirat(int, const void *, uint32_t)');
const mknodat = libc.func('int mknodat(int, const void *, uint32_t, uint64_t)');
const symlinkat = libc.func('int symlinkat(const void *, int, const void *)');
const linkat = libc.func('int linkat(int, const void *, int, const void *, int)');
const unlinkat = libc.func('int unlinkat(int, const void *, int)');
const renameat2 = libc.func('int renameat2(int, const void *, int, const void *, uint32_t)');

const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_FOLLOW = 0x400;
const AT_EMPTY_PATH = 0x1000;

export const RENAME_NOREPLACE = 1;
export const RENAME_EXCHANGE = 2;
export const RENAME_WHITEOUT = 4;

const outcome = (result: unknown): number => (result === 0 ? 0 : -lastErrno());

export const makeDirectoryAt = (dirfd: number, name: ByteString, mode: number): number =>
  outcome(mkdirat(dirfd, cString(name), mode));

/** The kernel's device number as mknod(2) takes it (makedev(3)). */
const deviceNumber = (major: number, minor: number): number =>
  (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x10_0000;

/** @param mode type and permissions, as st_mode */
export const makeNodeAt = (dirfd: number, name: ByteString, mode: number, major: number, minor: number): number =>
  outcome(mknodat(dirfd, cString(name), mode, deviceNumber(major, minor)));

export const makeSymlinkAt = (target: ByteString, dirfd: number, name: ByteString): number =>
  outcome(symlinkat(cString(target, 1), dirfd, cString(name)));

/** A further name for an object; one without a name any more (O_TMPFILE) is reached through its descriptor. */
export function makeLinkAt(source: Place, dirfd: number, name: ByteString): number {
  if (source.name === '') {
    const result = outcome(linkat(source.fd, cString('', 1), dirfd, cString(name), AT_EMPTY_PATH));
    // Without CAP_DAC_READ_SEARCH the way leads through /proc (open(2), O_TMPFILE).
    if (result !== -ERRNO.ENOENT) return result;
    return outcome(linkat(AT_FDCWD, cString(procPath(source), 1), dirfd, cString(name), AT_SYMLINK_FOLLOW));
  }
  return outcome(linkat(source.fd, cString(source.name, 1), dirfd, cString(name), 0));
}

export const unlinkAt = (dirfd: number, name: ByteString): number => outcome(unlinkat(dirfd, cString(name), 0));

export const removeDirectoryAt = (dirfd: number, name: ByteString): number =>
  outcome(unlinkat(dirfd, cString(name), AT_REMOVEDIR));

export const renameAt = (fromFd: number, from: ByteString, toFd: number, to: ByteString, flags = 0): number =>
  outcome(renameat2(fromFd, cString(from), toFd, cString(to, 1), flags));
