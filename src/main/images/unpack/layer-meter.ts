// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import type { Digest } from '@shared/images';
import type { RecompressionProbe } from '../recompression-probe';
import type { TarEntry } from '../tar/entry';
import { TarError } from '../tar/tar-error';
import type { LayerLimits } from './limits';
import type { UnpackProgress } from './unpack-target';

/** Counts and hashes what streams through an unpacking, holds it to the limits, and stops it when it is cancelled. */
export class LayerMeter {
  private readonly blobHash = createHash('sha256');
  private readonly tarHash = createHash('sha256');
  private blobBytes = 0;
  private tarBytes = 0;
  private fileBytes = 0;
  private entries = 0;
  /** Told all bytes, once the packing is known. */
  private start: Buffer[] = [];
  private listener: RecompressionProbe | null = null;

  constructor(
    private readonly limits: LayerLimits,
    private readonly signal: AbortSignal,
    private readonly onProgress: (progress: UnpackProgress) => void,
  ) {}

  get probe(): RecompressionProbe | null {
    return this.listener;
  }

  set probe(probe: RecompressionProbe | null) {
    this.listener = probe;
    for (const chunk of this.start) probe?.blob(chunk);
    this.start = [];
  }

  async *blob(blob: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
    for await (const chunk of blob) {
      this.signal.throwIfAborted();
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      this.blobHash.update(bytes);
      this.blobBytes += bytes.length;
      if (this.listener === null) this.start.push(bytes);
      else this.listener.blob(bytes);
      yield bytes;
    }
  }

  async *tar(tar: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const bytes of tar) {
      this.signal.throwIfAborted();
      this.tarHash.update(bytes);
      this.tarBytes += bytes.length;
      this.checkBytes();
      await this.listener?.tar(bytes);
      this.onProgress({ blobBytes: this.blobBytes, tarBytes: this.tarBytes, entries: this.entries });
      yield bytes;
    }
  }

  /** @throws TarError over a limit */
  entry({ kind, size }: TarEntry): void {
    this.entries++;
    if (this.entries > this.limits.entries) over(`the layer has more than ${this.limits.entries} entries`);
    if (kind === 'file') this.fileBytes += size;
    if (this.fileBytes > this.limits.fileBytes) over(`its files have more than ${this.limits.fileBytes} bytes`);
  }

  result(): { digest: Digest; diffId: Digest; blobBytes: number; tarBytes: number; entries: number } {
    return {
      digest: `sha256:${this.blobHash.digest('hex')}`,
      diffId: `sha256:${this.tarHash.digest('hex')}`,
      blobBytes: this.blobBytes,
      tarBytes: this.tarBytes,
      entries: this.entries,
    };
  }

  private checkBytes(): void {
    const { tarBytes, ratio, ratioFrom } = this.limits;
    if (this.tarBytes > tarBytes) over(`the layer has more than ${tarBytes} bytes`);
    if (this.tarBytes > ratioFrom && this.tarBytes > ratio * this.blobBytes)
      over(`the layer has more than ${ratio} bytes for each of its blob`);
  }
}

const over = (message: string): never => {
  throw new TarError('over-limit', message);
};
