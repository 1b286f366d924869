// SPDX-License-Identifier: MIT
import type { Entry } from '../overlay/entry';
import { topOf } from '../overlay/entry';
import { blocksOf, linksOf } from '../overlay/file-data';
import type { InodeNumbers } from '../overlay/inode-numbers';
import { originOf } from '../overlay/origins';
import type { OverlayStack } from '../overlay/stack';
import { isDirectory } from '../system/stat';
import type { Attributes } from './reply';

/** What stat(2) shows of an entry (semantics 3.4, 3.5). */
export function attributesOf(stack: OverlayStack, numbers: InodeNumbers, entry: Entry): Attributes {
  const { stat } = topOf(entry);
  const { low, high } = numbers.of(originOf(stack, entry) ?? stat);
  return {
    stat: stack.owners ? stack.owners.shown(stat) : stat,
    inoLow: low,
    inoHigh: high,
    nlink: stack.staticLinks && isDirectory(stat.mode) ? 1 : linksOf(stack, entry),
    blocks: blocksOf(entry),
  };
}
