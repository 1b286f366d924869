// SPDX-License-Identifier: MIT

const TONES = 8;

/** The colour class of a layer by its letter: `u` for the upper, else one of eight that repeat down the stack. */
export function toneOf(letter: string, upper: boolean): string {
  if (upper) return 'tone-u';
  let position = 0;
  for (const char of letter) position = position * 26 + char.charCodeAt(0) - 64;
  return `tone-${(position - 1) % TONES}`;
}

/** The colour of a layer by its letter, for what is drawn. */
export const colourOf = (letter: string, upper: boolean): string => `var(--layer-${toneOf(letter, upper).slice(5)})`;
