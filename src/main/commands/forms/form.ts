// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import type { RenderedCommand } from '@shared/contract';
import { LONGEST_ARGUMENT } from '../sh-quote';

/** Writes a composition in one form; `render.ts` adds what all forms share. */
export type FormRenderer = (composition: Composition) => Omit<RenderedCommand, 'form'>;

/** The warning for an option text that no program can be given as one argument; none while it fits. */
export function argumentTooLong(options: ByteString): string[] {
  return options.length > LONGEST_ARGUMENT
    ? [
        `The options take ${options.length} bytes; the kernel gives a program at most ${LONGEST_ARGUMENT} in one argument.`,
      ]
    : [];
}
