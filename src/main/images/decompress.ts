// SPDX-License-Identifier: MIT
import { createGunzip, type Gunzip } from 'node:zlib';
import { ZstdDecoder, ZstdError } from '../system/zstd';
import type { Packing } from './layer-format';
import { TarError } from './tar/tar-error';

/** Large, so that one thread inflates while another unpacks what came before. */
const PIECE = 1 << 19;

/**
 * The bytes that a blob holds. gzip may have many members, zstd many frames and skippable ones between.
 * @throws TarError for a blob that is broken or ends early
 */
export function decompress(blob: AsyncIterable<Uint8Array>, packing: Packing): AsyncIterable<Uint8Array> {
  if (packing === 'gzip') return gunzip(blob);
  return packing === 'zstd' ? unzstd(blob) : blob;
}

async function* gunzip(blob: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = createGunzip({ chunkSize: PIECE });
  const feeder = new Feeder(stream);
  const feeding = feeder.feed(blob);
  try {
    yield* stream as AsyncIterable<Buffer>;
    feeder.dropRest();
    await feeding;
    // zlib passes over it where it comes in one piece with the end. Go's tools refuse it, and so do we, always.
    if (feeder.bytes > stream.bytesWritten) throw broken('something else follows its end');
  } catch (error) {
    if (error instanceof TarError) throw error;
    throw feeder.failure ?? broken((error as Error).message);
  } finally {
    feeder.stop();
  }
}

/** Feeds a blob to a decompressor, no faster than that takes it. */
class Feeder {
  private state: 'feed' | 'drop' | 'stop' = 'feed';
  private wake: () => void = () => undefined;
  /** What the blob's source threw. */
  failure: unknown = null;
  /** Bytes that came. */
  bytes = 0;

  constructor(private readonly stream: Gunzip) {
    stream.on('drain', () => this.wake());
  }

  async feed(blob: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of blob) {
        this.bytes += chunk.length;
        if (this.state === 'feed' && !this.stream.write(chunk) && !this.stream.destroyed)
          await new Promise<void>((resolve) => (this.wake = resolve));
        if (this.state === 'stop') return;
      }
      if (this.state === 'feed') this.stream.end();
    } catch (error) {
      this.failure = error;
      this.stream.destroy(error as Error);
    }
  }

  dropRest(): void {
    this.state = 'drop';
    this.wake();
  }

  stop(): void {
    this.state = 'stop';
    this.wake();
    this.stream.destroy();
  }
}

async function* unzstd(blob: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new ZstdDecoder();
  try {
    for await (const chunk of blob) yield* decoder.decode(chunk);
    if (!decoder.isWhole) throw broken('unexpected end of file');
  } catch (error) {
    throw error instanceof ZstdError ? broken(error.message) : error;
  } finally {
    decoder.close();
  }
}

const broken = (reason: string): TarError => new TarError('truncated', `the blob cannot be decompressed: ${reason}`);
