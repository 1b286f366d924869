// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compress, recompress, type Recompression } from '../../../src/main/images/compression';
import { decompress } from '../../../src/main/images/decompress';
import { packingOf } from '../../../src/main/images/layer-format';
import { recompressionProbe } from '../../../src/main/images/recompression-probe';
import type { Packing } from '../../../src/main/images/layer-format';
import { ZstdEncoder } from '../../../src/main/system/zstd';
import { allOf, streamOf } from '../../support/tar-bytes';

/** Text that compresses like text, and is the same on every machine. */
function sample(bytes: number): Buffer {
  const words: string[] = [];
  let hash = createHash('sha256').update('seed').digest();
  for (let length = 0; length < bytes; length += 40) {
    hash = createHash('sha256').update(hash).digest();
    words.push(hash.toString('hex', 0, 10), `${hash[0]! % 7} the same words again\n`.slice(0, 20));
  }
  return Buffer.from(words.join('')).subarray(0, bytes);
}

const TEXT = sample(600_000);

/** Lets a probe see a blob as an import does: the tar comes out of the blob, piece by piece. */
async function probe(blob: Buffer, packing: Packing): Promise<Recompression | null> {
  const seen = recompressionProbe(packing);
  async function* told(): AsyncGenerator<Buffer> {
    for await (const piece of streamOf(blob, 50_000)) {
      seen.blob(piece);
      yield piece;
    }
  }
  try {
    for await (const piece of decompress(told(), packing)) await seen.tar(piece);
    return await seen.finish();
  } finally {
    seen.close();
  }
}

const zstd = (settings: ConstructorParameters<typeof ZstdEncoder>[0], ...parts: Buffer[]): Buffer => {
  const encoder = new ZstdEncoder(settings);
  const out = parts.flatMap((part) => [...encoder.encode(part)]);
  out.push(...encoder.end());
  encoder.close();
  return Buffer.concat(out);
};

describe("Lamina's own blobs", () => {
  it.each(['tar', 'gzip', 'zstd'] as const)('of %s are recognised, unpacked and made again', async (packing) => {
    const blob = await allOf(compress(streamOf(TEXT), packing));
    expect((await allOf(compress(streamOf(TEXT, 333), packing))).equals(blob)).toBe(true);
    expect((await allOf(decompress(streamOf(blob), packing))).equals(TEXT)).toBe(true);
    const how = await probe(blob, packing);
    expect(how?.packing).toBe(packing);
    expect(
      (await allOf(recompress(streamOf(TEXT, 70_001), JSON.parse(JSON.stringify(how)) as Recompression))).equals(blob),
    ).toBe(true);
  });

  it('of gzip tell no time, and are what gunzip takes', async () => {
    const blob = await allOf(compress(streamOf(TEXT), 'gzip'));
    expect(blob.toString('hex', 0, 10)).toBe('1f8b0800000000000003');
    expect(gunzipSync(blob).equals(TEXT)).toBe(true);
  });
});

describe('blobs of others', () => {
  it('of zlib at any level that its header hints at are made again, with their headers', async () => {
    for (const level of [1, 6, 9]) {
      const plain = gzipSync(TEXT, { level });
      // With a time, a name and a comment, as gzip(1) writes them.
      const header = Buffer.concat([plain.subarray(0, 10), Buffer.from('layer.tar\0made by a test\0')]);
      header[3] = 8 | 16;
      header.writeUInt32LE(1_234_567_890, 4);
      const blob = Buffer.concat([header, plain.subarray(10)]);
      const how = await probe(blob, 'gzip');
      expect(how).toMatchObject({ packing: 'gzip', level });
      expect((await allOf(recompress(streamOf(TEXT), how!))).equals(blob)).toBe(true);
    }
  });

  it('of zstd with a checksum and a size are made again', async () => {
    for (const level of [1, 3]) {
      const blob = zstd({ level, checksum: true, contentBytes: TEXT.length }, TEXT);
      const how = await probe(blob, 'zstd');
      expect(how).toMatchObject({ packing: 'zstd', level, checksum: true, contentBytes: TEXT.length });
      expect((await allOf(recompress(streamOf(TEXT), how!))).equals(blob)).toBe(true);
    }
  });

  it('of other compressors are given up', async () => {
    expect(await probe(gzipSync(TEXT, { level: 4 }), 'gzip')).toBe(null);
    expect(await probe(Buffer.concat([gzipSync(TEXT), gzipSync(TEXT)]), 'gzip')).toBe(null);
    expect(await probe(zstd({ level: 5, checksum: false, contentBytes: null }, TEXT), 'zstd')).toBe(null);
  });

  it('may have many members, frames, and skippable ones', async () => {
    const members = Buffer.concat([gzipSync(TEXT), gzipSync(''), gzipSync('more')]);
    expect(
      (await allOf(decompress(streamOf(members, 999), 'gzip'))).equals(Buffer.concat([TEXT, Buffer.from('more')])),
    ).toBe(true);
    const settings = { level: 3, checksum: true, contentBytes: null };
    const skippable = Buffer.concat([Buffer.from('502a4d1804000000', 'hex'), Buffer.from('meta')]);
    const frames = Buffer.concat([
      skippable,
      zstd(settings, TEXT),
      skippable,
      zstd(settings, Buffer.from('more')),
      skippable,
    ]);
    expect(packingOf(frames)).toBe('zstd');
    expect(
      (await allOf(decompress(streamOf(frames, 999), 'zstd'))).equals(Buffer.concat([TEXT, Buffer.from('more')])),
    ).toBe(true);
  });

  it('that are cut off or broken are refused', async () => {
    const gzip = gzipSync(TEXT);
    const zst = zstd({ level: 3, checksum: true, contentBytes: null }, TEXT);
    await expect(allOf(decompress(streamOf(gzip.subarray(0, -9)), 'gzip'))).rejects.toThrow(/cannot be decompressed/);
    await expect(allOf(decompress(streamOf(zst.subarray(0, -9)), 'zstd'))).rejects.toThrow(/cannot be decompressed/);
    for (const [blob, packing] of [
      [gzip, 'gzip'],
      [zst, 'zstd'],
    ] as const) {
      const broken = Buffer.from(blob);
      broken[broken.length - 2]! ^= 0xff;
      await expect(allOf(decompress(streamOf(broken), packing))).rejects.toThrow(/cannot be decompressed/);
    }
  });

  it('with something behind the end are refused, wherever a piece ends', async () => {
    for (const junk of ['junk', '\0\0\0\0', '\x1f'])
      for (const piece of [10, 10_000_000]) {
        const blob = Buffer.concat([gzipSync('content'), Buffer.from(junk, 'latin1')]);
        await expect(allOf(decompress(streamOf(blob, piece), 'gzip'))).rejects.toThrow(/cannot be decompressed/);
      }
  });

  it('that stop coming give the error of their source, and no more is asked of them', async () => {
    let asked = 0;
    async function* failing(): AsyncGenerator<Buffer> {
      asked++;
      yield await Promise.resolve(gzipSync(TEXT).subarray(0, 5000));
      throw new Error('the network is gone');
    }
    await expect(allOf(decompress(failing(), 'gzip'))).rejects.toThrow('the network is gone');
    expect(asked).toBe(1);
  });
});

describe('packings', () => {
  it('are told by the first bytes', () => {
    expect(packingOf(Buffer.from('1f8b08', 'hex'))).toBe('gzip');
    expect(packingOf(Buffer.from('28b52ffd', 'hex'))).toBe('zstd');
    expect(packingOf(Buffer.from('5a2a4d18', 'hex'))).toBe('zstd');
    expect(packingOf(Buffer.from('BZh91'))).toBe('bzip2');
    expect(packingOf(Buffer.from('fd377a585a00', 'hex'))).toBe('xz');
    expect(packingOf(Buffer.from('etc/'))).toBe('tar');
    expect(packingOf(Buffer.alloc(0))).toBe('tar');
  });
});
