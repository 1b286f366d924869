// SPDX-License-Identifier: MIT
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../system/file-flags';
import { O_APPEND, O_TRUNC } from '../system/files';
import { copyUp } from './copy-up';
import type { Entry } from './entry';
import { refuseProtected } from './protection';
import type { OverlayStack } from './stack';

const O_ACCMODE = 3;

/** Whether an open with these flags of open(2) is one for writing: that of a lower file copies it up (semantics 4.1). */
export const isForWriting = (flags: number): boolean => (flags & O_ACCMODE) !== 0 || (flags & O_TRUNC) !== 0;

/**
 * Brings the data of a file that is opened for writing into the upper; what is about to be cut is not copied.
 * @param flags of open(2); the cut itself (O_TRUNC) is the caller's
 * @throws SystemError EPERM (immutable, append-only), and what `copyUp` throws
 */
export function prepareWrite(stack: OverlayStack, entry: Entry, flags: number): void {
  const cuts = (flags & O_TRUNC) !== 0;
  if (stack.area) refuseProtected(stack, entry, FS_IMMUTABLE_FL);
  if (stack.area && (cuts || (flags & O_APPEND) === 0)) refuseProtected(stack, entry, FS_APPEND_FL);
  copyUp(stack, entry, 'data', cuts ? 0 : Infinity);
}
