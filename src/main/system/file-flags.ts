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
