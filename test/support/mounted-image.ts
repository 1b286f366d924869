// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import type { Image } from '@shared/images';
import { mount, MS_RDONLY, unmount } from '../../src/main/system/mount';
import { listTree } from '../programs/list-tree.mjs';

/** What the kernel's overlayfs shows of an image's layers, a line a name. */
export function treeOfImage(image: Image, at: string): string[] {
  mkdirSync(at, { recursive: true });
  // A single lower is no overlay: an empty one below changes nothing.
  mkdirSync(`${at}.empty`, { recursive: true });
  const lowers = [...image.layers.map(({ folder }) => folder).reverse(), `${at}.empty`];
  mount('overlay', at, 'overlay', MS_RDONLY, `lowerdir=${lowers.join(':')}`);
  try {
    return listTree(at) as string[];
  } finally {
    if (unmount(at, false) !== 0) unmount(at, true);
  }
}
