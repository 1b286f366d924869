// SPDX-License-Identifier: MIT
import { constants } from 'node:os';
import koffi from 'koffi';
import { display, type ByteString } from '@shared/bytes';

/** The C library that Node itself runs on. */
export const libc = koffi.load('libc.so.6');

/** Directory descriptor that means "relative to the working directory". */
export const AT_FDCWD = -100;

const errnoNames = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]));
// Not among Node's constants, but file systems give them.
errnoNames.set(66, 'EREMOTE').set(117, 'EUCLEAN');

/**
 * A failed system call. `errno` is positive; `path` is what the call was about. Lookups that find nothing are the daily
 * bread of a file system, so it is cheap: no stack is captured, and the message is made when it is read.
 */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;

  constructor(
    readonly errno: number,
    readonly syscall: string,
    readonly path: ByteString,
  ) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super();
    Error.stackTraceLimit = stackTraceLimit;
    this.code = errnoName(errno);
  }
}

Object.defineProperty(SystemError.prototype, 'message', {
  get(this: SystemError): string {
    return `${this.syscall} ${display(this.path)}: ${this.code}`;
  },
});

/** `2` → `ENOENT`. */
export function errnoName(errno: number): string {
  return errnoNames.get(errno) ?? `errno ${errno}`;
}

export const ERRNO = { ...constants.errno, ENODATA: 61, EREMOTE: 66, ELOOP: 40 } as const;

/** The error number of the last failed call of this thread. */
export const lastErrno = (): number => koffi.errno();

/** Throws the error of the last call, which was about `path`. */
export function fail(syscall: string, path: ByteString): never {
  throw new SystemError(lastErrno(), syscall, path);
}

/** The result of a call that returns the negative errno of its failure; throws that as a SystemError about `path`. */
export function must(result: number, syscall: string, path: ByteString): number {
  if (result < 0) throw new SystemError(-result, syscall, path);
  return result;
}

const PATH_BYTES = 8192;
const scratch = [Buffer.alloc(PATH_BYTES), Buffer.alloc(PATH_BYTES)] as const;

/**
 * The C string of a byte string, in one of two shared buffers: valid until the next call with the same slot. Calls
 * are synchronous and copy nothing else, so that a path costs no allocation.
 */
export function cString(bytes: ByteString, slot: 0 | 1 = 0): Buffer {
  if (bytes.length >= PATH_BYTES) throw new SystemError(ERRNO.ENAMETOOLONG, 'path', bytes);
  const buffer = scratch[slot];
  buffer.write(bytes, 0, 'latin1');
  buffer[bytes.length] = 0;
  return buffer;
}
