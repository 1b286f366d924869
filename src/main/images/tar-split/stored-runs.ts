// SPDX-License-Identifier: MIT
import { BLOCK, TYPE } from '../tar/header';
import { TarReader } from '../tar/reader';
import type { DataRun } from '../tar/sparse';

const PLAIN: ReadonlySet<string> = new Set([TYPE.file, TYPE.oldFile, TYPE.contiguous]);

/**
 * Which bytes of a file stand in the archive behind its header: all, or, of a sparse file, those of its map; none of a
 * hard link that only tells the size of its file.
 * @param headers the header blocks of the entry, from the first extended header on
 * @param size    bytes of the file
 * @throws TarError where the headers cannot be read
 */
export async function storedRuns(headers: Buffer, size: number): Promise<readonly DataRun[]> {
  if (isPlain(headers)) return [{ offset: 0, length: size }];
  const reader = new TarReader(only(headers));
  const entry = await reader.next();
  if (entry?.sparse) return entry.sparse.runs;
  return entry !== null && entry.stored === 0 ? [] : [{ offset: 0, length: size }];
}

/** The common case, told without reading it all: the last block is a header of a file, and no map stands before it. */
function isPlain(headers: Buffer): boolean {
  const last = headers.length - BLOCK;
  if (last < 0 || headers.toString('latin1', last + 257, last + 262) !== 'ustar') return false;
  return PLAIN.has(String.fromCharCode(headers[last + 156]!)) && !headers.includes('GNU.sparse.');
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}
