// SPDX-License-Identifier: MIT
import type { Composition, Lane } from './composition';
import type { Edit } from './edit';
import { UPPER_ID } from './edit';

export interface Place {
  readonly lane: Lane;
  readonly position: number;
}

/** Where a layer stands; null when the composition does not have it. */
export function placeOf(composition: Composition, id: string): Place | null {
  if (id === UPPER_ID) return composition.upper ? { lane: 'upper', position: 0 } : null;
  for (const [lane, entries] of [
    ['lower', composition.lowers],
    ['data', composition.data],
  ] as const) {
    const position = entries.findIndex((entry) => entry.id === id);
    if (position >= 0) return { lane, position };
  }
  return null;
}

/** The move that takes a layer one step up or down the stack, across the lanes; null at either end. */
export function stepMove(composition: Composition, id: string, direction: 'up' | 'down'): Edit | null {
  const place = placeOf(composition, id);
  if (!place) return null;
  const target = direction === 'up' ? above(composition, place) : below(composition, place);
  return target && { type: 'move', id, ...target };
}

function above(composition: Composition, { lane, position }: Place): Place | null {
  if (lane === 'upper') return null;
  if (position > 0) return { lane, position: position - 1 };
  return lane === 'lower' ? { lane: 'upper', position: 0 } : { lane: 'lower', position: composition.lowers.length };
}

/** Positions count as before the move, so one step down inside a lane lies two further on. */
function below(composition: Composition, { lane, position }: Place): Place | null {
  if (lane === 'upper') return { lane: 'lower', position: 0 };
  const length = lane === 'lower' ? composition.lowers.length : composition.data.length;
  if (position < length - 1) return { lane, position: position + 2 };
  return lane === 'lower' ? { lane: 'data', position: 0 } : null;
}
