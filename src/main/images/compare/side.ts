// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import type { EngineOptions } from '@shared/lamina-options';
import { engineOptions } from '@shared/lamina-options';
import { isFullRoot } from '../../system/privilege';

/** One of the two trees of a comparison, as the engine opens it. */
export interface Side {
  readonly layers: Pick<Composition, 'upper' | 'lowers' | 'data'>;
  readonly options: EngineOptions;
}

/** The tree of a composition, with its options. */
export const sideOfComposition = (composition: Composition): Side => ({
  layers: composition,
  options: engineOptions(composition),
});

/**
 * The tree that unpacked layers make: those of an image, or a single one.
 * @param folders   the lowest first
 * @param userxattr the overlay's marks are `user.*` attributes; by default where this user writes no others
 */
export const sideOfLayers = (folders: readonly ByteString[], userxattr = !isFullRoot()): Side => ({
  layers: {
    upper: null,
    lowers: [...folders].reverse().map((path, index) => ({ id: String(index), path })),
    data: [],
  },
  // Layers may come from a tool that lets the kernel follow these; to show what they hold is no risk.
  options: { metacopy: true, redirectDir: 'on', userxattr },
});
