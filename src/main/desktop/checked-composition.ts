// SPDX-License-Identifier: MIT
import type * as v from 'valibot';
import type { Composition } from '@shared/composition';
import type { CompositionSchema } from '@shared/contract';

/**
 * What the schema let through, as the type the rest of Lamina uses. The two differ only in that a schema's optional
 * keys may hold `undefined`, which structured clone keeps apart; such keys are taken out.
 */
export function checkedComposition(checked: v.InferOutput<typeof CompositionSchema>): Composition {
  const options = Object.fromEntries(Object.entries(checked.options).filter(([, value]) => value !== undefined));
  return { ...checked, options };
}
