// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { cannotCopyRange, cloneFile, copyRange, sendRange, truncateFd } from '../system/file-content';
import { seekFile } from '../system/files';
import { ERRNO, must, SystemError } from '../system/libc';
import { statFd } from '../system/stat';
import type { UpperArea } from './upper-area';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** Bytes of one copy call. */
const CHUNK = 64 << 20;

/**
 * Copies the first `size` bytes of a file into another one, which is empty or all holes; holes stay holes, and blocks
 * are shared where the file system can (semantics 4.2). A source that ends before leaves a hole.
 * @param path of the file, for errors
 * @throws SystemError ENOSPC, EDQUOT, EIO as the file systems give them
 */
export function copyContent(area: UpperArea, from: number, to: number, size: number, path: ByteString): void {
  const end = Math.min(size, statFd(from, path).size);
  if (end > 0 && !tryClone(area, from, to, end, path)) copyExtents(from, to, end, path);
  // To cut is to change the time of the last change, also where nothing is cut off: a metacopy has its size already.
  if (statFd(to, path).size !== size) must(truncateFd(to, size), 'truncate', path);
}

/** Whole files only: a part may not end on a block. */
function tryClone(area: UpperArea, from: number, to: number, end: number, path: ByteString): boolean {
  if (area.noClone || statFd(from, path).size !== end) return false;
  const result = cloneFile(from, to);
  if (result === 0) return true;
  if (result === -ERRNO.ENOSPC || result === -ERRNO.EDQUOT) throw new SystemError(-result, 'clone', path);
  area.noClone = true;
  return false;
}

function copyExtents(from: number, to: number, end: number, path: ByteString): void {
  for (let at = 0; at < end;) {
    const data = seekFile(from, at, SEEK_DATA);
    if (data === -ERRNO.ENXIO) return;
    // A file system that cannot tell: all of it is data.
    const start = data < 0 ? at : data;
    if (start >= end) return;
    const hole = data < 0 ? end : seekFile(from, start, SEEK_HOLE);
    const stop = hole < 0 ? end : Math.min(hole, end);
    copyExtent(from, to, start, stop, path);
    at = stop;
  }
}

function copyExtent(from: number, to: number, start: number, stop: number, path: ByteString): void {
  let copy = copyRange;
  for (let at = start; at < stop;) {
    const count = copy(from, at, to, at, Math.min(CHUNK, stop - at));
    if (count > 0) at += count;
    else if (count === 0) return;
    else if (copy === copyRange && cannotCopyRange(-count)) copy = sendRange;
    else throw new SystemError(-count, 'copy', path);
  }
}
