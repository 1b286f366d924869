// SPDX-License-Identifier: MIT
import { letterOf } from '@shared/composition';
import type { Layer } from '../layers/layer';
import type { OverlayStack } from './stack';

/** The letter under which a layer is shown everywhere. */
export function letterIn(stack: OverlayStack, layer: Layer): string {
  if (layer.lane === 'upper') return 'U';
  return letterOf(layer.index - (stack.layers[0]!.lane === 'upper' ? 1 : 0));
}
