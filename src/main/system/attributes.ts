// SPDX-License-Identifier: MIT
import { AT_FDCWD, cString, ERRNO, lastErrno, libc } from './libc';
import { procPath, type Place } from './place';

/* Owner, mode and times of an object. Each call returns 0 or the negative errno. */
const fchownat = libc.func('int fchownat(int, const void *, uint32_t, uint32_t, int)');
const fchmodat2 = libc.func('syscall', 'long', ['long', 'int', 'const void *', 'uint32_t', 'uint32_t']);
const fchmodat = libc.func('int fchmodat(int, const void *, uint32_t, int)');
const utimensat = libc.func('int utimensat(int, const void *, const void *, int)');

const SYS_FCHMODAT2 = 452;
/** AT_SYMLINK_NOFOLLOW, and AT_EMPTY_PATH for places without a name. */
const FLAGS = 0x1100;

/** Leaves the owner or the group as it is. */
export const KEEP_ID = 0xffff_ffff;

const outcome = (result: unknown): number => (Number(result) === 0 ? 0 : -lastErrno());

/** chown(2): drops set-id bits and file capabilities, as the kernel does for every caller. */
export const changeOwner = (place: Place, uid: number, gid: number): number =>
  outcome(fchownat(place.fd, cString(place.name), uid, gid, FLAGS));

let hasFchmodat2 = true;

/** @param mode permission, set-id and sticky bits; symlinks have none to change (-EOPNOTSUPP) */
export function changeMode(place: Place, mode: number): number {
  if (hasFchmodat2) {
    const result = outcome(fchmodat2(SYS_FCHMODAT2, place.fd, cString(place.name), mode, FLAGS));
    if (result !== -ERRNO.ENOSYS) return result;
    // Before Linux 6.6: the caller has made sure that it is no symlink.
    hasFchmodat2 = false;
  }
  return outcome(fchmodat(AT_FDCWD, cString(procPath(place)), mode, 0));
}

/** A time to set: seconds and nanoseconds, the clock's, or none. */
export type TimeChange = { readonly seconds: number; readonly nanoseconds: number } | 'now' | 'keep';

const UTIME_NOW = 0x3fff_ffff;
const UTIME_OMIT = 0x3fff_fffe;
const times = Buffer.alloc(32);

function putTime(at: number, change: TimeChange): void {
  const isTime = typeof change === 'object';
  times.writeBigInt64LE(BigInt(isTime ? change.seconds : 0), at);
  times.writeBigInt64LE(BigInt(isTime ? change.nanoseconds : change === 'now' ? UTIME_NOW : UTIME_OMIT), at + 8);
}

export function changeTimes(place: Place, atime: TimeChange, mtime: TimeChange): number {
  putTime(0, atime);
  putTime(16, mtime);
  return outcome(utimensat(place.fd, cString(place.name), times, FLAGS));
}
