// SPDX-License-Identifier: MIT
import type { Composition } from '@shared/composition';
import type { Image } from '@shared/images';

/**
 * Of the images whose layers stand at the bottom of a stack the one with the most; null where there is none. Of two with
 * the same layers one with a name.
 */
export function imageBelow(images: readonly Image[], { lowers }: Pick<Composition, 'lowers'>): Image | null {
  const fromBottom = lowers.map(({ path }) => path.replace(/(?<=.)\/+$/, '')).reverse();
  const fitting = images.filter(
    ({ layers }) =>
      layers.length > 0 &&
      layers.length <= fromBottom.length &&
      layers.every(({ folder }, i) => folder === fromBottom[i]),
  );
  const rank = ({ layers, references }: Image): number => layers.length * 2 + (references.length > 0 ? 1 : 0);
  return fitting.reduce<Image | null>((best, each) => (best && rank(best) >= rank(each) ? best : each), null);
}
