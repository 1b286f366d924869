// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf } from '@shared/bytes';
import { DEFAULT_LIMITS } from '../../src/main/images/unpack/limits';
import { unpackLayer, type UnpackProgress, type UnpackTarget } from '../../src/main/images/unpack/unpack-layer';
import { makeScratch, removeScratch } from '../support/scratch';
import { entry, streamOf, tar } from '../support/tar-bytes';
import { never, rebuilt, unpack } from '../support/unpacking';

/* How an unpacking begins, is told of, and ends early. */
let scratch: string;
let target: UnpackTarget;

beforeEach(() => {
  scratch = makeScratch('disk');
  mkdirSync(`${scratch}/layer`);
  target = {
    layer: 'sha256:test',
    folder: bytesOf(`${scratch}/layer`),
    tarSplit: bytesOf(`${scratch}/record.gz`),
    names: 'trusted',
    owners: 'real',
    limits: DEFAULT_LIMITS,
  };
});

afterEach(() => removeScratch(scratch));

const LAYER = tar(...Array.from({ length: 300 }, (_, i) => entry({ name: `f${i}`, content: `${i} `.repeat(3000) })));
const BLOB = gzipSync(LAYER);

const descriptors = (): number => readdirSync('/proc/self/fd').length;
const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('an unpacking', () => {
  it('tells what was read and how far it is', async () => {
    const told: UnpackProgress[] = [];
    const layer = await unpackLayer(streamOf(BLOB, 1000), target, never, (progress) => told.push(progress));
    expect(layer).toMatchObject({
      digest: sha256(BLOB),
      diffId: sha256(LAYER),
      blobBytes: BLOB.length,
      tarBytes: LAYER.length,
      entries: 300,
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      recompression: { packing: 'gzip', level: 6 },
    });
    const files = readdirSync(`${scratch}/layer`).map((name) => readFileSync(`${scratch}/layer/${name}`).length);
    expect(layer.diskBytes).toBeGreaterThanOrEqual(files.reduce((sum, bytes) => sum + bytes, 0));
    expect(told.length).toBeGreaterThan(1);
    for (const [i, { tarBytes }] of told.entries()) if (i > 0) expect(tarBytes).toBeGreaterThan(told[i - 1]!.tarBytes);
    expect(told[told.length - 1]).toMatchObject({ tarBytes: LAYER.length });
  });

  it('stops when it is cancelled, and leaves nothing open', async () => {
    const before = descriptors();
    for (let round = 0; round < 3; round++) {
      const cancel = new AbortController();
      const folder = `${scratch}/layer-${round}`;
      mkdirSync(folder);
      const running = unpackLayer(
        streamOf(BLOB, 1000),
        { ...target, folder: bytesOf(folder), tarSplit: bytesOf(`${folder}.gz`) },
        cancel.signal,
        () => cancel.abort(new Error('cancelled by the user')),
      );
      await expect(running).rejects.toThrow('cancelled by the user');
    }
    expect(descriptors()).toBe(before);
  });

  it('ends with the error of its source, and leaves nothing open', async () => {
    const before = descriptors();
    async function* cut(): AsyncGenerator<Buffer> {
      yield* streamOf(BLOB.subarray(0, BLOB.length / 2), 1000);
      throw new Error('connection reset');
    }
    await expect(unpackLayer(cut(), target, never, () => undefined)).rejects.toThrow('connection reset');
    expect(descriptors()).toBe(before);
  });

  it('does not write over a record, nor over what its folder has', async () => {
    writeFileSync(`${scratch}/record.gz`, 'kept');
    await expect(unpackLayer(streamOf(BLOB), target, never, () => undefined)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(readFileSync(`${scratch}/record.gz`, 'latin1')).toBe('kept');
    writeFileSync(`${scratch}/layer/f7`, 'kept');
    const other = { ...target, tarSplit: bytesOf(`${scratch}/other.gz`) };
    await expect(unpackLayer(streamOf(BLOB), other, never, () => undefined)).rejects.toMatchObject({
      code: 'unsafe-entry',
    });
    expect(readFileSync(`${scratch}/layer/f7`, 'latin1')).toBe('kept');
  });

  it('of an empty layer gives an empty folder', async () => {
    for (const [i, blob] of [Buffer.alloc(1024), gzipSync(Buffer.alloc(1024)), Buffer.alloc(0)].entries()) {
      const { folder, layer } = await unpack(blob, scratch, `empty-${i}`);
      expect(readdirSync(folder)).toEqual([]);
      expect(layer.entries).toBe(0);
      expect(existsSync(`${folder}.tar-split.gz`)).toBe(true);
    }
  });

  it('reaches directories far deeper than it keeps open', async () => {
    const name = `${'d/'.repeat(300)}file`;
    const layer = tar(
      entry({ name: 'x', type: 'L', format: 'gnu', content: `${name}\0` }),
      entry({ name: 'y', content: 'deep', format: 'gnu' }),
    );
    const before = descriptors();
    const unpacked = await unpack(layer, scratch, 'deep');
    expect((await rebuilt(unpacked)).equals(layer)).toBe(true);
    expect(descriptors()).toBe(before);
  });
});
