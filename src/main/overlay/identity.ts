// SPDX-License-Identifier: MIT
import { isDirectoryEntry, topOf, type Entry } from './entry';
import { inodeKey } from './inode-key';
import { originOf } from './origins';
import type { OverlayStack } from './stack';

/**
 * What names of one object have in common, by which they are known to be one: the upper inode, or with an index the
 * lower one. Lower hard links are not kept together otherwise (semantics 3.5). Null where there can be no other name.
 */
export function identityOf(stack: OverlayStack, entry: Entry): string | null {
  if (isDirectoryEntry(entry)) return null;
  if (stack.area?.index) {
    const lower = originOf(stack, entry) ?? (entry.upper ? null : topOf(entry).stat);
    if (lower && lower.nlink > 1) return `lower ${inodeKey(lower)}`;
  }
  if (!entry.upper || !stack.area) return null;
  return entry.upper.stat.nlink > 1 ? `upper ${inodeKey(entry.upper.stat)}` : null;
}
