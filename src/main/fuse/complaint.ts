// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { ERRNO, errnoName, type SystemError } from '../system/libc';
import { OPCODE_NAMES } from './protocol';

/** Answers that tell a program of its own request. All others tell of disks, servers, layers: the mount's log has them. */
const ORDINARY: ReadonlySet<number> = new Set([
  ERRNO.ENOENT,
  ERRNO.EEXIST,
  ERRNO.ENOTEMPTY,
  ERRNO.EACCES,
  ERRNO.EPERM,
  ERRNO.ENODATA,
  ERRNO.EXDEV,
  ERRNO.ENOTDIR,
  ERRNO.EISDIR,
  ERRNO.EINVAL,
  ERRNO.ENAMETOOLONG,
  ERRNO.ELOOP,
  ERRNO.ERANGE,
  ERRNO.E2BIG,
  ERRNO.EOPNOTSUPP,
  ERRNO.ENOSYS,
  ERRNO.ENOTTY,
  ERRNO.ENXIO,
  ERRNO.EBUSY,
  ERRNO.ETXTBSY,
  ERRNO.EFBIG,
  ERRNO.EMLINK,
  ERRNO.EOVERFLOW,
  ERRNO.EAGAIN,
  ERRNO.EINTR,
]);

export const isOrdinary = (errno: number): boolean => ORDINARY.has(errno);

/**
 * The log's line about an error that a program was answered.
 * @param path  in the merged tree
 * @param cause the call below that failed, where it is known
 */
export function complaint(opcode: number, path: ByteString, errno: number, cause: SystemError | null): string {
  const below = cause ? ` (${[cause.syscall, display(cause.path)].filter((word) => word !== '').join(' ')})` : '';
  return `${OPCODE_NAMES[opcode] ?? `opcode ${opcode}`} ${display(path)}: ${errnoName(errno)}${below}`;
}
