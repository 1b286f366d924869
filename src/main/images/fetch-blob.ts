// SPDX-License-Identifier: MIT
import { open, type FileHandle } from 'node:fs/promises';
import type { ByteString } from '@shared/bytes';
import { wrongSize } from './checked-bytes';
import type { Descriptor, ImageSource } from './source';
import { raw } from './store/durable';

const READ_BYTES = 1 << 20;

/**
 * A blob's bytes as they come from its source, cut off where they are more than its descriptor says.
 * @throws Failure `wrong-size`, at the end where they are fewer
 */
export async function* fetchBlob(
  source: ImageSource,
  descriptor: Descriptor,
  offset: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { digest, size } = descriptor;
  let at = offset;
  if (at < size) {
    for await (const chunk of await source.open(descriptor, offset, signal)) {
      signal.throwIfAborted();
      at += chunk.length;
      if (at > size) throw wrongSize(digest, size, `more than ${size}`, source.notation);
      yield chunk;
    }
  }
  if (at !== size) throw wrongSize(digest, size, at, source.notation);
}

/**
 * As `fetchBlob`, of a source that is far away: what comes is kept in a file too, and what the file has of an
 * interrupted fetch does not come again. It is given out first, so that all of the blob is hashed.
 * @param path  the file; the caller has its lock, and removes it when it is of no more use
 * @param onOld told how many bytes were there already
 */
export async function* fetchKeeping(
  source: ImageSource,
  descriptor: Descriptor,
  path: ByteString,
  onOld: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const file = await open(raw(path), 'a+', 0o600);
  try {
    let { size: there } = await file.stat();
    if (there > descriptor.size) {
      await file.truncate(0);
      there = 0;
    }
    onOld(there);
    yield* readBack(file, there, signal);
    for await (const chunk of fetchBlob(source, descriptor, there, signal)) {
      await file.appendFile(chunk);
      yield chunk;
    }
  } finally {
    await file.close();
  }
}

async function* readBack(file: FileHandle, length: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length;) {
    signal.throwIfAborted();
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, length - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
