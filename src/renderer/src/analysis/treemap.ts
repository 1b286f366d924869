// SPDX-License-Identifier: MIT
import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';
import type { SpaceTile } from '@shared/contract';

/** A tile at its place, in pixels. */
export interface PlacedTile {
  readonly tile: SpaceTile;
  /** 1 for those of the directory itself. */
  readonly depth: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** It is drawn as a frame around what is in it. */
  readonly isFrame: boolean;
}

/** Height of the line that names a directory, and the room around what is in it. */
const HEAD = 17;
const GAP = 2;

/** Where the tiles of a picture stand: as large as their bytes, as near to squares as can be. Smaller than a pixel is left out. */
export function placeTiles(picture: SpaceTile, width: number, height: number): PlacedTile[] {
  const root = hierarchy(picture, ({ children }) => children).sum(({ children, bytes }) =>
    children.length > 0 ? 0 : bytes,
  );
  const placed = treemap<SpaceTile>()
    .size([width, height])
    .tile(treemapSquarify.ratio(1.3))
    .paddingInner(GAP)
    .paddingTop(({ depth }) => (depth === 0 ? 0 : HEAD))
    .paddingRight(({ depth }) => (depth === 0 ? 0 : GAP))
    .paddingBottom(({ depth }) => (depth === 0 ? 0 : GAP))
    .paddingLeft(({ depth }) => (depth === 0 ? 0 : GAP))
    .round(true)(root);
  return placed
    .descendants()
    .filter(({ depth, x0, x1, y0, y1 }) => depth > 0 && x1 - x0 >= 1 && y1 - y0 >= 1)
    .map(({ data, depth, x0, x1, y0, y1, children }) => ({
      tile: data,
      depth,
      x: x0,
      y: y0,
      width: x1 - x0,
      height: y1 - y0,
      isFrame: children !== undefined,
    }));
}
