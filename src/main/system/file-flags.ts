// SPDX-License-Identifier: MIT
import { lastErrno, libc } from './libc';

/* File attributes as chattr(1) shows them (ioctl_iflags(2), FS_IOC_FSGETXATTR(2const)). */
const ioctl = libc.func('int ioctl(int, unsigned long, void *)');

export const FS_IOC_GETFLAGS = 0x80086601;
export const FS_IOC_SETFLAGS = 0x40086602;
export const FS_IMMUTABLE_FL = 0x10;
export const FS_APPEND_FL = 0x20;
export const FS_NOATIME_FL = 0x80;
export const FS_SYNC_FL = 0x08;

/** struct fsxattr, 28 bytes, of which the first word has the flags in an order of its own. */
export const FS_IOC_FSGETXATTR = 0x801c581f;
export const FSXATTR_BYTES = 28;

/** FS_*_FL and the FS_XFLAG_* of the same meaning. */
const XFLAGS: readonly (readonly [number, number])[] = [
  [FS_SYNC_FL, 0x20],
  [FS_IMMUTABLE_FL, 0x08],
  [FS_APPEND_FL, 0x10],
  [0x40, 0x80],
  [FS_NOATIME_FL, 0x40],
];

/** The flags of chattr(1) as struct fsxattr has them. */
export const extendedFlags = (flags: number): number =>
  XFLAGS.reduce((sum, [flag, extended]) => ((flags & flag) !== 0 ? sum | extended : sum), 0);

const word = Buffer.alloc(8);

/** The flags of an open file or directory, or the negative errno (-ENOTTY where the file system has none). */
export function getFileFlags(fd: number): number {
  word.fill(0);
  return ioctl(fd, FS_IOC_GETFLAGS, word) === 0 ? word.readUInt32LE(0) : -lastErrno();
}

/** Sets all flags. Returns 0 or the negative errno. */
export function setFileFlags(fd: number, flags: number): number {
  word.fill(0);
  word.writeUInt32LE(flags, 0);
  return ioctl(fd, FS_IOC_SETFLAGS, word) === 0 ? 0 : -lastErrno();
}
