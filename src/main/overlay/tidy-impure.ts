// SPDX-License-Identifier: MIT
import type { Entry } from './entry';
import { clearImpure } from './marks';
import { originOf } from './origins';
import type { ListedName } from './readdir';
import type { OverlayStack } from './stack';

/**
 * A directory of the upper alone that is marked as impure, and lists nothing that was copied up, is no more (the kernel's
 * ovl_dir_read_impure).
 * @param find the entry of a listed name; null where its lookup fails
 */
export function tidyImpure(
  stack: OverlayStack,
  { upper, lowers, parent }: Entry,
  listing: readonly ListedName[],
  find: (listed: ListedName) => Entry | null,
): void {
  if (!stack.area || !upper || lowers.length > 0 || !parent) return;
  if (!upper.xattrs.includes(stack.names.impure)) return;
  const isCopy = (listed: ListedName): boolean => {
    const child = listed.name === '.' || listed.name === '..' ? null : find(listed);
    return child !== null && originOf(stack, child) !== null;
  };
  if (!listing.some(isCopy)) clearImpure(stack, upper);
}
