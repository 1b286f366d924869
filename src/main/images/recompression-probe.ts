// SPDX-License-Identifier: MIT
import { once } from 'node:events';
import { createGzip, type Gzip } from 'node:zlib';
import { ZstdEncoder, type ZstdSettings } from '../system/zstd';
import type { Recompression } from './compression';
import { gzipHeaderLength, levelHint } from './gzip-header';
import type { Packing } from './layer-format';
import { SameBytes } from './same-bytes';

/**
 * Finds out, while a layer streams through, whether a compressor of ours makes its blob from its tar: each candidate's
 * bytes are compared with the blob's, and a candidate is given up at the first difference. Blobs of other tools cost the
 * compression of their first block.
 */
export interface RecompressionProbe {
  /** The blob's bytes, as they come. */
  blob(bytes: Buffer): void;
  /** … and the tar's. Waits for a candidate that is behind. */
  tar(bytes: Uint8Array): Promise<void>;
  /** After the last byte: how the blob can be made, or null. */
  finish(): Promise<Recompression | null>;
  /** Frees the candidates at any time. */
  close(): void;
}

export function recompressionProbe(packing: Packing): RecompressionProbe {
  if (packing === 'gzip') return new GzipProbe();
  return packing === 'zstd' ? new ZstdProbe() : PLAIN;
}

const PLAIN: RecompressionProbe = {
  blob: () => undefined,
  tar: () => Promise.resolve(),
  finish: () => Promise.resolve({ packing: 'tar' }),
  close: () => undefined,
};

const ZLIB_HEADER = 10;
const MOST_HEADER = 4096;

class GzipProbe implements RecompressionProbe {
  private readonly bytes = new SameBytes();
  private start: Buffer = Buffer.alloc(0);
  private header: Buffer | null = null;
  private level = 0;
  private stream: Gzip | null = null;
  private ended: Promise<void> = Promise.resolve();
  private givenUp = false;

  blob(bytes: Buffer): void {
    if (this.givenUp) return;
    if (this.header !== null) {
      this.bytes.add(0, bytes);
      if (!this.bytes.same) this.close();
      return;
    }
    this.start = Buffer.concat([this.start, bytes]);
    const length = gzipHeaderLength(this.start);
    if (length === null) {
      if (this.start.length > MOST_HEADER) this.close();
      return;
    }
    this.header = Buffer.from(this.start.subarray(0, length));
    this.level = levelHint(this.header);
    this.stream = createGzip({ level: this.level });
    this.ended = this.compare(this.stream);
    this.bytes.add(0, this.start.subarray(length));
  }

  async tar(bytes: Uint8Array): Promise<void> {
    if (this.stream === null) return;
    if (!this.stream.write(bytes)) await Promise.race([once(this.stream, 'drain'), this.ended]).catch(() => undefined);
  }

  async finish(): Promise<Recompression | null> {
    this.stream?.end();
    await this.ended;
    if (this.givenUp || this.header === null || !this.bytes.complete) return null;
    return { packing: 'gzip', level: this.level, header: this.header.toString('hex') };
  }

  close(): void {
    this.givenUp = true;
    this.stream?.destroy();
    this.stream = null;
  }

  private async compare(stream: Gzip): Promise<void> {
    let skip = ZLIB_HEADER;
    try {
      for await (const piece of stream as AsyncIterable<Buffer>) {
        const rest = piece.subarray(Math.min(skip, piece.length));
        skip -= piece.length - rest.length;
        this.bytes.add(1, rest);
        if (!this.bytes.same) break;
      }
    } catch {
      // Destroyed by `close`: the candidate was given up.
    }
    if (!this.bytes.same) this.close();
  }
}

/** Those that people give; a frame does not tell its level. */
const ZSTD_LEVELS = [3, 1, 2, 6, 9, 12, 19];

interface ZstdCandidate {
  readonly settings: ZstdSettings;
  readonly encoder: ZstdEncoder;
  readonly bytes: SameBytes;
}

class ZstdProbe implements RecompressionProbe {
  private candidates: ZstdCandidate[] | null = null;
  private start: Buffer = Buffer.alloc(0);

  blob(bytes: Buffer): void {
    if (this.candidates !== null) {
      for (const candidate of this.candidates) candidate.bytes.add(0, bytes);
      this.drop();
      return;
    }
    this.start = Buffer.concat([this.start, bytes]);
    if (this.start.length < MOST_FRAME_HEADER) return;
    this.begin();
  }

  tar(bytes: Uint8Array): Promise<void> {
    if (this.candidates === null) this.begin();
    for (const { encoder, bytes: compared } of this.candidates!)
      for (const piece of encoder.encode(bytes)) compared.add(1, piece);
    this.drop();
    return Promise.resolve();
  }

  finish(): Promise<Recompression | null> {
    for (const { encoder, bytes } of this.candidates ?? []) for (const piece of encoder.end()) bytes.add(1, piece);
    const found = this.candidates?.find(({ bytes }) => bytes.complete);
    this.close();
    return Promise.resolve(found === undefined ? null : { packing: 'zstd', ...found.settings });
  }

  close(): void {
    for (const { encoder } of this.candidates ?? []) encoder.close();
    this.candidates = [];
  }

  private begin(): void {
    const settings = frameSettings(this.start);
    this.candidates = settings.map((each) => ({
      settings: each,
      encoder: new ZstdEncoder(each),
      bytes: new SameBytes(),
    }));
    for (const { bytes } of this.candidates) bytes.add(0, this.start);
    this.start = Buffer.alloc(0);
  }

  private drop(): void {
    for (const { encoder, bytes } of this.candidates!) if (!bytes.same) encoder.close();
    this.candidates = this.candidates!.filter(({ bytes }) => bytes.same);
  }
}

const MOST_FRAME_HEADER = 18;

/** What the header of the first frame says of its encoder (RFC 8878, 3.1.1.1); nothing for a skippable frame. */
function frameSettings(start: Buffer): ZstdSettings[] {
  if (start.length < 6 || start.readUInt32LE(0) !== 0xfd2fb528) return [];
  const descriptor = start[4]!;
  const single = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  if (start.length < at + sizeBytes) return [];
  const content = sizeBytes === 0 ? null : contentSize(start, at, sizeBytes);
  const checksum = (descriptor & 4) !== 0;
  return ZSTD_LEVELS.map((level) => ({ level, checksum, contentBytes: content }));
}

function contentSize(start: Buffer, at: number, bytes: number): number {
  if (bytes === 8) return Number(start.readBigUInt64LE(at));
  // Two bytes count from 256 on.
  return start.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
}
