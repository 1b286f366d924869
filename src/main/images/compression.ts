// SPDX-License-Identifier: MIT
import { createGzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { ZstdEncoder, type ZstdSettings } from '../system/zstd';
import type { Packing } from './layer-format';

/** The levels that Lamina's own blobs have: those that gzip(1) and zstd(1) take by themselves. */
export const GZIP_LEVEL = 6;
export const ZSTD_LEVEL = 3;

/**
 * How the exact blob of a layer can be made again from its tar. Kept with the layer, as JSON. The compressors that other
 * tools have inside (Go's, GNU gzip's) are not ours: of their blobs it is null.
 */
export type Recompression =
  | { readonly packing: 'tar' }
  | {
      readonly packing: 'gzip';
      /** zlib's level. */
      readonly level: number;
      /** The header before the compressed data: its bytes in hex. */
      readonly header: string;
    }
  | ({ readonly packing: 'zstd' } & ZstdSettings);

/** How Lamina packs what it makes itself: without times and names, so that the same tar gives the same blob. */
export function ownRecompression(packing: Packing): Recompression {
  if (packing === 'gzip') return { packing, level: GZIP_LEVEL, header: GZIP_HEADER };
  if (packing === 'zstd') return { packing, level: ZSTD_LEVEL, checksum: false, contentBytes: null };
  return { packing };
}

/** Deflate, no flags, no time, no hint at the level, Unix (RFC 1952). */
const GZIP_HEADER = '1f8b0800000000000003';

/** Packs a tar as Lamina does. */
export const compress = (tar: AsyncIterable<Uint8Array>, packing: Packing): AsyncIterable<Uint8Array> =>
  recompress(tar, ownRecompression(packing));

/** Packs a tar in the very bytes that a blob had. Whoever needs that to be sure compares the digest. */
export function recompress(tar: AsyncIterable<Uint8Array>, how: Recompression): AsyncIterable<Uint8Array> {
  if (how.packing === 'gzip') return gzip(tar, how.level, Buffer.from(how.header, 'hex'));
  return how.packing === 'zstd' ? zstd(tar, how) : tar;
}

/** Size of the header that zlib writes itself. */
const ZLIB_HEADER = 10;

async function* gzip(tar: AsyncIterable<Uint8Array>, level: number, header: Buffer): AsyncGenerator<Uint8Array> {
  const stream = Readable.from(tar, { objectMode: false }).compose(createGzip({ level, chunkSize: 1 << 17 }));
  let skip = ZLIB_HEADER;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    // Not before the stream is listened to: an error of the tar would have nobody to go to.
    if (skip === ZLIB_HEADER) yield header;
    const rest = piece.subarray(Math.min(skip, piece.length));
    skip -= piece.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

async function* zstd(tar: AsyncIterable<Uint8Array>, settings: ZstdSettings): AsyncGenerator<Uint8Array> {
  const encoder = new ZstdEncoder(settings);
  try {
    for await (const piece of tar) yield* encoder.encode(piece);
    yield* encoder.end();
  } finally {
    encoder.close();
  }
}
