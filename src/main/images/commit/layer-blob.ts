// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import type { ByteString } from '@shared/bytes';
import type { Digest } from '@shared/images';
import { compress } from '../compression';
import { nodePath, writeAll } from '../destinations/fresh-file';
import { LAYER_MEDIA_TYPE, type Packing } from '../layer-format';
import type { Descriptor } from '../source';
import { tarOf } from '../tar/write-tar';
import { layerEntries, type PackOptions } from './layer-entries';
import type { RangeStacks } from './range';

/** A layer that was made, its blob in a file. */
export interface BuiltLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly tarBytes: number;
  readonly entries: number;
  readonly file: ByteString;
}

export interface BuildOptions extends PackOptions {
  /** Where the blob's file is put; it must not be there yet. */
  readonly file: ByteString;
  readonly packing: Packing;
  readonly signal: AbortSignal;
  /** Bytes of the tar, and entries, so far. */
  readonly onProgress: (bytes: number, entries: number) => void;
}

/** A blob in a file, and what names it. */
export type PackedBlob = Pick<BuiltLayer, 'descriptor' | 'file'>;

/**
 * Packs a tar into a file. Nothing is left of one that fails or is cancelled.
 * @param path of the file, which is not there yet
 * @throws what the tar throws; the signal's reason
 */
export async function packTar(
  tar: AsyncIterable<Uint8Array>,
  path: ByteString,
  packing: Packing,
  signal: AbortSignal,
): Promise<PackedBlob> {
  const hash = createHash('sha256');
  let size = 0;
  // Not synced: it is on its way to where it shall stay.
  const file = await open(nodePath(path), 'wx', 0o600);
  try {
    for await (const chunk of compress(tar, packing)) {
      signal.throwIfAborted();
      hash.update(chunk);
      size += chunk.length;
      await writeAll(file, chunk);
    }
  } catch (error) {
    await unlink(nodePath(path));
    throw error;
  } finally {
    await file.close();
  }
  const descriptor = { mediaType: LAYER_MEDIA_TYPE[packing], digest: `sha256:${hash.digest('hex')}`, size };
  return { descriptor, file: path };
}

/**
 * Packs the difference of two trees as the blob of a layer.
 * @throws Failure as `layerItems` and `tarOf`; the signal's reason
 */
export async function buildLayer(stacks: RangeStacks, options: BuildOptions): Promise<BuiltLayer> {
  const { file, packing, signal, onProgress } = options;
  const hash = createHash('sha256');
  let [tarBytes, entries] = [0, 0];
  async function* tar(): AsyncGenerator<Buffer> {
    for (const chunk of tarOf(layerEntries(stacks, options), () => entries++)) {
      signal.throwIfAborted();
      hash.update(chunk);
      tarBytes += chunk.length;
      yield chunk;
      onProgress(tarBytes, entries);
    }
  }
  const packed = await packTar(tar(), file, packing, signal);
  return { ...packed, diffId: `sha256:${hash.digest('hex')}`, tarBytes, entries };
}
