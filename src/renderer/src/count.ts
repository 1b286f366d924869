// SPDX-License-Identifier: MIT

const plural = new Intl.PluralRules('en');
export const number = new Intl.NumberFormat('en');

/** `1 layer`, `2 layers`, `1,000 layers`. */
export function count(n: number, one: string, other: string): string {
  return `${number.format(n)} ${plural.select(n) === 'one' ? one : other}`;
}
