// SPDX-License-Identifier: MIT
import type { Entry } from '../overlay/entry';
import { topOf } from '../overlay/entry';
import { blocksOf, linksOf } from '../overlay/file-data';
import type { InodeNumbers } from '../overlay/inode-numbers';
import { originOf } from '../overlay/origins';
import type { OverlayStack } from '../overlay/stack';
import type { Attributes } from './reply';

/** What stat(2) shows of an entry (semantics 3.4, 3.5). */
export function attributesOf(stack: OverlayStack, numbers: InodeNumbers, entry: Entry): Attributes {
  const { stat } = topOf(entry);
  const { low, high } = numbers.of(originOf(stack, entry) ?? stat);
  return { stat, inoLow: low, inoHigh: high, nlink: linksOf(stack, entry), blocks: blocksOf(entry) };
}
