// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { recompress, type Recompression } from '../compression';
import { rebuildTar } from '../tar-split/rebuild';
import type { ImageRecord } from './records';
import type { Store } from './store';

/** A layer of an image, as its record has it. */
type Layer = ImageRecord['layers'][number];

/**
 * The exact tar of a layer, made from its unpacked files. The caller holds the store (`Store.hold`) meanwhile.
 * @throws Failure where the layer has no record to make it from, or its files have changed
 */
export function layerTar(
  store: Store,
  { diffId, outside }: Pick<Layer, 'diffId' | 'outside'>,
  form: ImageRecord['form'],
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  if (outside && outside.tarSplit === null) {
    throw new Failure(
      'no-tar-split',
      `Layer ${diffId} is kept by ${outside.keeper}, which has no record of its tar.`,
      'Import the image from where it came: then Lamina keeps that record.',
    );
  }
  const paths = store.layers.paths(diffId, form);
  return rebuildTar(outside?.folder ?? paths.folder, outside?.tarSplit ?? paths.tarSplit, signal);
}

/** Whether `layerBlob` has the exact blob of a layer. */
export function hasLayerBlob(store: Store, { diffId, digest, outside }: Layer, form: ImageRecord['form']): boolean {
  if (digest === null) return false;
  if (store.blobs.has(digest)) return true;
  if (outside) return digest === diffId && outside.tarSplit !== null;
  return howToMake(store, diffId, form, digest) !== null;
}

/**
 * The exact blob that a manifest names for a layer: kept, or made again. Null where neither can be: then only the tar is
 * to be had. The caller holds the store meanwhile, and compares the digest of what is made again.
 */
export function layerBlob(
  store: Store,
  layer: Layer,
  form: ImageRecord['form'],
  signal: AbortSignal,
): AsyncIterable<Uint8Array> | null {
  if (layer.digest === null) return null;
  if (store.blobs.has(layer.digest)) return store.blobs.open(layer.digest, 0);
  if (layer.outside)
    return layer.digest === layer.diffId && layer.outside.tarSplit !== null
      ? layerTar(store, layer, form, signal)
      : null;
  const how = howToMake(store, layer.diffId, form, layer.digest);
  return how && recompress(layerTar(store, layer, form, signal), how);
}

function howToMake(store: Store, diffId: Digest, form: ImageRecord['form'], digest: Digest): Recompression | null {
  const known = store.layers.find(diffId, form)?.blobs.find((blob) => blob.digest === digest);
  return (known?.recompression as Recompression | null | undefined) ?? null;
}
