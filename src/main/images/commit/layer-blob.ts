// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import type { ByteString } from '@shared/bytes';
import type { Digest } from '@shared/images';
import { compress } from '../compression';
import { FreshFile, writeAll } from '../destinations/fresh-file';
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

/**
 * Packs the difference of two trees as the blob of a layer. Nothing is left of one that fails or is cancelled.
 * @throws Failure as `layerItems` and `tarOf`; AbortError
 */
export async function buildLayer(stacks: RangeStacks, options: BuildOptions): Promise<BuiltLayer> {
  const { file: path, packing, signal, onProgress } = options;
  const plain = createHash('sha256');
  let [tarBytes, entries] = [0, 0];
  async function* tar(): AsyncGenerator<Buffer> {
    for (const chunk of tarOf(layerEntries(stacks, options), () => entries++)) {
      signal.throwIfAborted();
      plain.update(chunk);
      tarBytes += chunk.length;
      yield chunk;
      onProgress(tarBytes, entries);
    }
  }
  const packed = createHash('sha256');
  let size = 0;
  const file = await FreshFile.make(path);
  try {
    for await (const chunk of compress(tar(), packing)) {
      signal.throwIfAborted();
      packed.update(chunk);
      size += chunk.length;
      await writeAll(file.handle, chunk);
    }
  } catch (error) {
    await file.discard();
    throw error;
  }
  await file.keep();
  const descriptor = {
    mediaType: LAYER_MEDIA_TYPE[packing],
    digest: `sha256:${packed.digest('hex')}`,
    size,
  };
  return { descriptor, diffId: `sha256:${plain.digest('hex')}`, tarBytes, entries, file: path };
}
