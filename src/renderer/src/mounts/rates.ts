// SPDX-License-Identifier: MIT
import type { MountActivity } from '@shared/contract';

/** What is plotted of a mount, each by the second. */
export const MEASURES = ['operations', 'read', 'written', 'copyUps', 'errors'] as const;
export type Measure = (typeof MEASURES)[number];
export type Rates = Readonly<Record<Measure, number>>;

/** What a mount has done in all, by what is plotted. */
export function totalsOf({ requests, bytesRead, bytesWritten, copyUps, errors }: MountActivity): Rates {
  const operations = Object.values(requests).reduce((sum, n) => sum + n, 0);
  return { operations, read: bytesRead, written: bytesWritten, copyUps, errors };
}

/** What was done in a second, between two looks. A process that was started anew has counted from zero again. */
export function ratesBetween(before: Rates, after: Rates, milliseconds: number): Rates {
  const seconds = Math.max(milliseconds, 1) / 1000;
  const rate = (measure: Measure): number => Math.max(0, after[measure] - before[measure]) / seconds;
  return {
    operations: rate('operations'),
    read: rate('read'),
    written: rate('written'),
    copyUps: rate('copyUps'),
    errors: rate('errors'),
  };
}
