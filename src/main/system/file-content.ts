// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ERRNO, lastErrno, libc, SystemError } from './libc';

/* Changes to the content of open files. Each call returns a count or 0, or the negative errno. */
const pwriteFd = libc.func('long pwrite64(int, const void *, size_t, int64_t)');
const ftruncate = libc.func('int ftruncate64(int, int64_t)');
const fallocateFd = libc.func('int fallocate64(int, int, int64_t, int64_t)');
const fsyncFd = libc.func('int fsync(int)');
const fdatasyncFd = libc.func('int fdatasync(int)');
const syncfsFd = libc.func('int syncfs(int)');
const copyFileRange = libc.func('long copy_file_range(int, void *, int, void *, size_t, uint32_t)');
const sendfile = libc.func('long sendfile64(int, int, void *, size_t)');
const lseek = libc.func('int64_t lseek64(int, int64_t, int)');
const ioctl = libc.func('int ioctl(int, unsigned long, long)');
const flockFd = libc.func('int flock(int, int)');

const FICLONE = 0x40049409;
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

const outcome = (result: unknown): number => (Number(result) < 0 ? -lastErrno() : Number(result));

/** Writes all bytes at `offset`; a short write is what the file system could take. */
export const writeAt = (fd: number, bytes: Uint8Array, length: number, offset: number): number =>
  outcome(pwriteFd(fd, bytes, length, offset));

export const truncateFd = (fd: number, size: number): number => outcome(ftruncate(fd, size));

/** fallocate(2), with its `FALLOC_FL_*` mode. */
export const allocate = (fd: number, mode: number, offset: number, length: number): number =>
  outcome(fallocateFd(fd, mode, offset, length));

export const syncFile = (fd: number, dataOnly: boolean): number => outcome(dataOnly ? fdatasyncFd(fd) : fsyncFd(fd));

/** Syncs the whole file system that the descriptor is on. */
export const syncFileSystem = (fd: number): number => outcome(syncfsFd(fd));

/** Makes the empty file `to` share all blocks of `from`, where the file system can (FICLONE, ioctl_ficlone(2)). */
export const cloneFile = (from: number, to: number): number => outcome(ioctl(to, FICLONE, from));

const fromOffset = new BigInt64Array(1);
const toOffset = new BigInt64Array(1);

/** One copy_file_range(2). Returns the bytes copied, which may be fewer than asked for; 0 at the end of the file. */
export function copyRange(from: number, fromAt: number, to: number, toAt: number, length: number): number {
  fromOffset[0] = BigInt(fromAt);
  toOffset[0] = BigInt(toAt);
  return outcome(copyFileRange(from, fromOffset, to, toOffset, length, 0));
}

/** As `copyRange`, for pairs of file systems that copy_file_range(2) refuses (EXDEV, EOPNOTSUPP, EINVAL). */
export function sendRange(from: number, fromAt: number, to: number, toAt: number, length: number): number {
  const SEEK_SET = 0;
  const sought = outcome(lseek(to, toAt, SEEK_SET));
  if (sought < 0) return sought;
  fromOffset[0] = BigInt(fromAt);
  return outcome(sendfile(to, from, fromOffset, length));
}

/** Locks an open directory or file for us alone (flock(2)), without waiting: -EWOULDBLOCK where another has it. */
export const lockExclusively = (fd: number): number => outcome(flockFd(fd, LOCK_EX | LOCK_NB));

/** As `lockExclusively`, together with others who share it. */
export const lockShared = (fd: number): number => outcome(flockFd(fd, LOCK_SH | LOCK_NB));

/** As `syncFileSystem`, without making this thread wait. Rejects with a SystemError about `path`. */
export function syncFileSystemLater(fd: number, path: ByteString): Promise<void> {
  return new Promise((resolve, reject) => {
    syncfsFd.async(fd, (error: unknown, result: number) => {
      // The error number is the other thread's: all that syncfs(2) can meet on an open descriptor is a failing disk.
      if (error !== null || result !== 0) reject(new SystemError(ERRNO.EIO, 'syncfs', path));
      else resolve();
    });
  });
}

/** Whether copy_file_range(2) cannot serve these two files, and `sendRange` may. */
export const cannotCopyRange = (errno: number): boolean =>
  errno === ERRNO.EXDEV || errno === ERRNO.EOPNOTSUPP || errno === ERRNO.EINVAL || errno === ERRNO.ENOSYS;
