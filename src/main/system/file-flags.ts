// SPDX-License-Identifier: MIT
import { closeFile, O_NONBLOCK, O_RDONLY, openPlace } from './files';
import { cString, ERRNO, lastErrno, libc } from './libc';
import type { Place } from './place';

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

const fileGetattr = libc.func('syscall', 'long', ['long', 'int', 'const void *', 'void *', 'size_t', 'unsigned int']);
const SYS_FILE_GETATTR = 468;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
/** struct file_attr, of which the first word has the FS_XFLAG_*. */
const fileAttr = Buffer.alloc(24);
let hasFileGetattr = true;

/** As `getFileFlags`, of a place. Kernels since 6.17 have a call for it; before, it has to be opened. */
export function getFileFlagsAt(place: Place): number {
  if (hasFileGetattr) {
    const flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
    const name = cString(place.name);
    if (fileGetattr(SYS_FILE_GETATTR, place.fd, name, fileAttr, fileAttr.length, flags) === 0) {
      const extended = fileAttr.readUInt32LE(0);
      return XFLAGS.reduce((sum, [flag, bit]) => ((extended & bit) !== 0 ? sum | flag : sum), 0);
    }
    const errno = lastErrno();
    if (errno !== ERRNO.ENOSYS) return -errno;
    hasFileGetattr = false;
  }
  const fd = openPlace(place, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return fd;
  const result = getFileFlags(fd);
  closeFile(fd);
  return result;
}

/** Sets all flags. Returns 0 or the negative errno. */
export function setFileFlags(fd: number, flags: number): number {
  word.fill(0);
  word.writeUInt32LE(flags, 0);
  return ioctl(fd, FS_IOC_SETFLAGS, word) === 0 ? 0 : -lastErrno();
}
