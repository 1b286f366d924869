// SPDX-License-Identifier: MIT
import { optionString } from '../option-string';
import { shQuote } from '../sh-quote';
import { mountpointOf, slugOf } from '../slug';
import { argumentTooLong } from './form';
import type { FormRenderer } from './form';

/** Lamina's own mount: takes every composition, whatever bytes its paths hold. */
export const renderLamina: FormRenderer = (composition) => {
  const filename = `lamina-${slugOf(composition.name)}.sh`;
  if (composition.lowers.length === 0) {
    return { text: null, warnings: ['There is no lower layer: nothing can be mounted yet.'], filename };
  }
  const options = optionString(composition);
  const long = argumentTooLong(options);
  return {
    text: long.length > 0 ? null : `lamina mount -o ${shQuote(options)} ${shQuote(mountpointOf(composition))}`,
    warnings: long,
    filename,
  };
};
