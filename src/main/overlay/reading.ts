// SPDX-License-Identifier: MIT
import type { OverlayStack } from './stack';

/**
 * The same open stack, as one that is only read. Lookups in a stack that is open for writing note origins in the upper,
 * and show a lower hard link as the copy that the index has of it; what the layers themselves hold is seen without.
 */
export const reading = (stack: OverlayStack): OverlayStack =>
  Object.create(stack, { area: { value: null } }) as OverlayStack;
