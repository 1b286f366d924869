// SPDX-License-Identifier: MIT
import { readFile } from '../system/files';

const CHUNK = 1 << 20;

/**
 * Whether two open files of the same size have the same bytes. Yields between pieces, so that a large file does not
 * hold up whoever else waits for this thread. A file that cannot be read is not the same.
 */
export function* sameContent(one: number, other: number, size: number): Generator<void, boolean> {
  const length = Math.min(size, CHUNK);
  const left = Buffer.allocUnsafe(length);
  const right = Buffer.allocUnsafe(length);
  for (let at = 0; at < size;) {
    const count = readFull(one, left, at);
    if (count <= 0 || readFull(other, right, at) !== count) return false;
    if (left.compare(right, 0, count, 0, count) !== 0) return false;
    at += count;
    yield;
  }
  return true;
}

/** Reads until the buffer is full or the file ends. Returns the bytes read, or a negative errno. */
function readFull(fd: number, target: Buffer, offset: number): number {
  for (let filled = 0; ;) {
    const count = readFile(fd, target.subarray(filled), target.length - filled, offset + filled);
    if (count < 0) return count;
    filled += count;
    if (count === 0 || filled === target.length) return filled;
  }
}
