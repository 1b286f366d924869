// SPDX-License-Identifier: MIT
import { structuredPatch } from 'diff';
import { textOf } from '@shared/bytes';
import type { ComparedContent, DiffHunk } from '@shared/compare';
import { HEX_LINE, hexLines } from '../../overlay/hex-lines';
import { readFile } from '../../system/files';

/** Larger files are not compared line by line. */
const TEXT_BYTES = 1 << 20;
const CHUNK = 1 << 20;
const HEX_LINES = 8;
/** Of a difference that is shown; more lines tell a person nothing. */
const MOST_LINES = 4000;
const TIMEOUT_MS = 1500;

/** A file's descriptor and size; null where one side has none. */
export interface OpenContent {
  readonly fd: number;
  readonly size: number;
}

/** How the contents of two files differ: by lines where both are text, else where and how the bytes begin to. */
export function contentDifference(left: OpenContent | null, right: OpenContent | null): ComparedContent {
  const was = left ? textIn(left) : '';
  const is = right ? textIn(right) : '';
  if (was !== null && is !== null) {
    const patch = structuredPatch('', '', was, is, undefined, undefined, { context: 3, timeout: TIMEOUT_MS });
    if (patch) return { kind: 'text', ...limited(patch.hunks) };
  }
  const offset = firstDifference(left, right);
  if (offset === null) return { kind: 'none', why: 'The contents are the same.' };
  return { kind: 'bytes', offset, left: hexAt(left, offset), right: hexAt(right, offset) };
}

interface LibraryHunk {
  readonly oldStart: number;
  readonly newStart: number;
  readonly lines: readonly string[];
}

function limited(hunks: readonly LibraryHunk[]): { readonly hunks: DiffHunk[]; readonly complete: boolean } {
  const shown: DiffHunk[] = [];
  let left = MOST_LINES;
  for (const { oldStart, newStart, lines } of hunks) {
    if (left <= 0) return { hunks: shown, complete: false };
    shown.push({ leftStart: oldStart, rightStart: newStart, lines: lines.slice(0, left) });
    left -= lines.length;
  }
  return { hunks: shown, complete: left >= 0 };
}

/** The text of a file, or null where it is too large, has a NUL or is not UTF-8. */
function textIn({ fd, size }: OpenContent): string | null {
  if (size > TEXT_BYTES) return null;
  const bytes = Buffer.alloc(size);
  const count = readAll(fd, bytes, 0);
  return bytes.includes(0) ? null : textOf(bytes.toString('latin1', 0, count));
}

/** Null where there is none. */
function firstDifference(left: OpenContent | null, right: OpenContent | null): number | null {
  if (!left || !right) return 0;
  const one = Buffer.alloc(CHUNK);
  const other = Buffer.alloc(CHUNK);
  for (let at = 0; ;) {
    const count = readAll(left.fd, one, at);
    const length = Math.min(count, readAll(right.fd, other, at));
    if (one.compare(other, 0, length, 0, length) !== 0) {
      let i = 0;
      while (one[i] === other[i]) i++;
      return at + i;
    }
    at += length;
    if (length < CHUNK) return left.size === right.size ? null : at;
  }
}

function readAll(fd: number, target: Buffer, offset: number): number {
  for (let filled = 0; ;) {
    const count = readFile(fd, target.subarray(filled), target.length - filled, offset + filled);
    if (count <= 0) return filled;
    filled += count;
    if (filled === target.length) return filled;
  }
}

/** Some lines from the one that the offset is in; empty past the end. */
function hexAt(content: OpenContent | null, offset: number): string {
  if (!content) return '';
  const start = offset - (offset % HEX_LINE);
  const bytes = Buffer.alloc(HEX_LINE * HEX_LINES);
  return hexLines(bytes.subarray(0, readAll(content.fd, bytes, start)), start);
}
