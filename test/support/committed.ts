// SPDX-License-Identifier: MIT
import type { EngineOptions } from '@shared/lamina-options';
import type { BuiltImage } from '../../src/main/images/commit/built-image';
import { commitImage, type ImageRequest, type LayerRequest } from '../../src/main/images/commit/commit-image';
import { exportImage } from '../../src/main/images/export';
import type { ImageDestination } from '../../src/main/images/source';
import type { BuiltStack } from './kernel';

export const ENGINE: EngineOptions = { metacopy: true, redirectDir: 'on', userxattr: false };
export const NEVER = new AbortController().signal;

/** A new image of one layer, made of layers `top` to `bottom` of a stack. */
export function commitRange(
  built: BuiltStack,
  [top, bottom]: readonly [number, number],
  layer: Partial<LayerRequest> = {},
  image: Partial<ImageRequest> = {},
): Promise<BuiltImage> {
  return commitImage({
    base: null,
    kept: 0,
    layer: {
      subject: built,
      options: ENGINE,
      range: { top, bottom },
      packing: 'gzip',
      file: `${built.folder}/layer-${top}-${bottom}-${Math.random()}`,
      newest: null,
      ...layer,
    },
    edits: {},
    step: { created: '2020-01-02T03:04:05Z', created_by: `layers ${top} to ${bottom}` },
    references: [],
    note: () => {},
    signal: NEVER,
    onProgress: () => {},
    ...image,
  });
}

/** The image of a stack with an upper: all lowers as one layer, and the upper as another. */
export async function commitStack(built: BuiltStack, image: Partial<ImageRequest> = {}): Promise<BuiltImage> {
  const lowers = await commitRange(built, [1, built.lowers.length]);
  return commitRange(built, [0, 0], {}, { base: { source: lowers, manifest: lowers.manifest }, kept: 1, ...image });
}

/** Brings an image somewhere, and closes the destination. */
export async function send(image: BuiltImage, destination: ImageDestination): Promise<void> {
  try {
    await exportImage(image, image.manifest, destination, { signal: NEVER, onProgress: () => {} });
  } finally {
    await destination.close();
  }
}
