// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { cString, lastErrno, libc } from './libc';

/* Metadata of an open file, as `attributes` and `xattr` change that of a place. Each returns 0 or the negative errno. */
const fchown = libc.func('int fchown(int, uint32_t, uint32_t)');
const fchmod = libc.func('int fchmod(int, uint32_t)');
const futimens = libc.func('int futimens(int, const void *)');
const fsetxattr = libc.func('int fsetxattr(int, const void *, const void *, size_t, int)');

const outcome = (result: unknown): number => (result === 0 ? 0 : -lastErrno());

export const changeOwnerFd = (fd: number, uid: number, gid: number): number => outcome(fchown(fd, uid, gid));

export const changeModeFd = (fd: number, mode: number): number => outcome(fchmod(fd, mode));

const times = Buffer.alloc(32);
const words = new Uint32Array(times.buffer, times.byteOffset, 8);

/** Seconds since the epoch and nanoseconds, of the last access and the last change. */
export function changeTimesFd(fd: number, atime: number, atimeNs: number, mtime: number, mtimeNs: number): number {
  words[0] = atime % 0x1_0000_0000;
  words[1] = Math.floor(atime / 0x1_0000_0000);
  words[2] = atimeNs;
  words[4] = mtime % 0x1_0000_0000;
  words[5] = Math.floor(mtime / 0x1_0000_0000);
  words[6] = mtimeNs;
  return outcome(futimens(fd, times));
}

export function setXattrFd(fd: number, attribute: ByteString, value: ByteString): number {
  const bytes = Buffer.from(value, 'latin1');
  return outcome(fsetxattr(fd, cString(attribute, 1), bytes, bytes.length, 0));
}
