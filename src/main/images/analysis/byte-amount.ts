// SPDX-License-Identifier: MIT

const POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5, e: 6 };

/**
 * The bytes that a text means, as dive reads them (`ParseBytes` of dustin/go-humanize): a number with an optional unit
 * in any case, `kB` of 1000 and `KiB` of 1024; commas between figures are passed over. Null where it is none.
 */
export function parseByteAmount(text: string): number | null {
  const found = /^([\d.,]+)\s*(?:([kmgtpe]?)(i?)b?)$/i.exec(text.trim());
  if (!found || (found[3] !== '' && found[2] === '')) return null;
  const amount = Number(found[1]!.replaceAll(',', ''));
  if (!Number.isFinite(amount)) return null;
  return Math.trunc(amount * (found[3] === '' ? 1000 : 1024) ** POWERS[found[2]!.toLowerCase()]!);
}
