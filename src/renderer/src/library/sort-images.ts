// SPDX-License-Identifier: MIT
import type { ImageRow } from '@shared/contract';

export const IMAGE_SORTS = ['name', 'platform', 'created', 'layers', 'size', 'shared'] as const;

export interface ImageSort {
  readonly key: (typeof IMAGE_SORTS)[number];
  readonly descending: boolean;
}

const collator = new Intl.Collator('en', { numeric: true });
/** Those without a name come last. */
const nameOf = ({ references }: ImageRow): string => references[0] ?? '\uffff';

const ORDERS: Readonly<Record<ImageSort['key'], (a: ImageRow, b: ImageRow) => number>> = {
  name: (a, b) => collator.compare(nameOf(a), nameOf(b)),
  platform: (a, b) => collator.compare(a.platform.architecture, b.platform.architecture),
  created: (a, b) => timeOf(a) - timeOf(b),
  layers: (a, b) => a.layerCount - b.layerCount,
  size: (a, b) => a.diskBytes - b.diskBytes,
  shared: (a, b) => a.sharedBytes - b.sharedBytes,
};

function timeOf({ created }: ImageRow): number {
  const time = created === null ? NaN : Date.parse(created);
  return Number.isNaN(time) ? 0 : time;
}

/** The images in an order; equal ones by name, so that the list does not jump. */
export function sortImages(images: readonly ImageRow[], { key, descending }: ImageSort): ImageRow[] {
  const sign = descending ? -1 : 1;
  return [...images].sort((a, b) => sign * ORDERS[key](a, b) || ORDERS.name(a, b) || (a.digest < b.digest ? -1 : 1));
}
