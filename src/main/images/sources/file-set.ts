// SPDX-License-Identifier: MIT
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { ByteString } from '@shared/bytes';
import { raw } from '../store/durable';

/** Named files that belong together: of a folder, or of an archive that is one file. */
export interface FileSet {
  /** Bytes of a regular file; null where there is none of the name. */
  size(name: ByteString): Promise<number | null>;
  /** All of a file. Throws a Failure where it is missing or larger than `most` bytes. */
  read(name: ByteString, most: number): Promise<Buffer>;
  /** A file's bytes from an offset on. Throws a Failure where it is missing. */
  open(name: ByteString, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

/** Manifests and configurations are far smaller; it bounds what an untrusted one may take. */
export const MOST_DOCUMENT_BYTES = 8 << 20;

const READ_BYTES = 1 << 20;

/** Bytes of a file from one offset up to another, in large pieces. */
export async function* readRange(
  path: ByteString,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (start >= end) return;
  yield* createReadStream(raw(path), {
    start,
    end: end - 1,
    highWaterMark: READ_BYTES,
    signal,
  }) as AsyncIterable<Buffer>;
}

/** Bytes of a regular file; null where there is none. */
export async function regularSize(path: ByteString): Promise<number | null> {
  const found = await stat(raw(path)).catch(() => null);
  return found?.isFile() ? found.size : null;
}

/** A piece of a file in memory. */
export async function readPiece(path: ByteString, start: number, length: number): Promise<Buffer> {
  const file = await open(raw(path), 'r');
  try {
    const buffer = Buffer.alloc(length);
    let at = 0;
    while (at < length) {
      const { bytesRead } = await file.read(buffer, at, length - at, start + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return buffer.subarray(0, at);
  } finally {
    await file.close();
  }
}
