// SPDX-License-Identifier: MIT
import type { Entry } from '../overlay/entry';
import { topOf } from '../overlay/entry';
import { blocksOf, linksOf } from '../overlay/file-data';
import type { InodeNumber, InodeNumbers } from '../overlay/inode-numbers';
import { originOf } from '../overlay/origins';
import type { OverlayStack } from '../overlay/stack';
import { isDirectory } from '../system/stat';
import type { Attributes } from './reply';

/** The inode number that an entry shows (semantics 3.4). */
export const numberOf = (stack: OverlayStack, numbers: InodeNumbers, entry: Entry): InodeNumber =>
  numbers.of(originOf(stack, entry) ?? topOf(entry).stat);

/** What stat(2) shows of an entry (semantics 3.4, 3.5). */
export function attributesOf(stack: OverlayStack, numbers: InodeNumbers, entry: Entry): Attributes {
  const { stat } = topOf(entry);
  const { low, high } = numberOf(stack, numbers, entry);
  return {
    stat: stack.owners ? stack.owners.shown(stat) : stat,
    inoLow: low,
    inoHigh: high,
    nlink: stack.staticLinks && isDirectory(stat.mode) ? 1 : linksOf(stack, entry),
    blocks: blocksOf(entry),
  };
}
