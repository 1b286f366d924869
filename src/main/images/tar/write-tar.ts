// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { closeFile, readFile } from '../../system/files';
import { SystemError } from '../../system/libc';
import type { WrittenEntry } from './write-entry';
import { END_BYTES, headerOf, paddingOf } from './write-header';

/** An entry, and for a regular file how its content is opened: a descriptor, which the writer closes. */
export interface PackedEntry extends WrittenEntry {
  readonly open: (() => number) | null;
}

/** Bytes that are handed on at a time. */
const CHUNK = 1 << 20;

/**
 * Writes a tar: ustar headers, with PAX records where an entry needs them, and nothing that depends on the clock or on
 * the machine, so that equal entries give equal bytes. Holes are read as zeros.
 * @param onEntry is told of every entry that is begun
 * @throws Failure ESTALE where a file has another size than its entry, SystemError where one cannot be read
 */
export function* tarOf(entries: Iterable<PackedEntry>, onEntry: () => void): Generator<Buffer> {
  const chunks = new Chunks();
  for (const entry of entries) {
    onEntry();
    yield* chunks.put(headerOf(entry));
    if (entry.open) yield* content(chunks, entry, entry.open);
  }
  yield* chunks.zeros(END_BYTES);
  yield* chunks.rest();
}

function* content(chunks: Chunks, entry: WrittenEntry, open: () => number): Generator<Buffer> {
  const fd = open();
  try {
    for (let at = 0; at < entry.size;) {
      const free = yield* chunks.room();
      const count = readFile(fd, free, Math.min(free.length, entry.size - at), at);
      if (count < 0) throw new SystemError(-count, 'read', `/${entry.path}`);
      if (count === 0) throw hasChanged(entry);
      chunks.used(count);
      at += count;
    }
    if (readFile(fd, PROBE, 1, entry.size) !== 0) throw hasChanged(entry);
  } finally {
    closeFile(fd);
  }
  yield* chunks.zeros(paddingOf(entry.size));
}

const PROBE = Buffer.alloc(1);

const hasChanged = ({ path }: WrittenEntry): Failure =>
  new Failure(
    'ESTALE',
    `/${display(path)} got another size while it was read (ESTALE).`,
    'Unmount the stack, or stop what writes to it, and try again.',
  );

/** Gathers bytes into chunks of equal size, each with memory of its own. */
class Chunks {
  private chunk = Buffer.allocUnsafe(CHUNK);
  private filled = 0;

  /** The free part of the chunk at hand, which is never empty. */
  *room(): Generator<Buffer, Buffer> {
    if (this.filled === CHUNK) {
      yield this.chunk;
      this.chunk = Buffer.allocUnsafe(CHUNK);
      this.filled = 0;
    }
    return this.chunk.subarray(this.filled);
  }

  used(count: number): void {
    this.filled += count;
  }

  *put(bytes: Buffer): Generator<Buffer> {
    for (let at = 0; at < bytes.length;) {
      const count = bytes.copy(yield* this.room(), 0, at);
      this.used(count);
      at += count;
    }
  }

  *zeros(count: number): Generator<Buffer> {
    if (count > 0) yield* this.put(Buffer.alloc(count));
  }

  *rest(): Generator<Buffer> {
    if (this.filled > 0) yield this.chunk.subarray(0, this.filled);
    this.filled = 0;
  }
}
