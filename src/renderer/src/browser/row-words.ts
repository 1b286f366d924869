// SPDX-License-Identifier: MIT
import type { StackLayer } from '@shared/composition';
import type { EntryRow, RowFlag } from '@shared/view';
import { formatSize } from '../design/format';
import { text } from '../text';

/** Flags that somebody should look at. */
export const WARNING_FLAGS: ReadonlySet<RowFlag> = new Set<RowFlag>(['captured', 'listed']);

/**
 * The flags to say in words, those to look at first. `merged` is plain from the chips, and a metacopy file that has
 * its data elsewhere always has a redirect.
 */
export function shownFlags(row: EntryRow): RowFlag[] {
  const meta = row.flags.includes('metacopy');
  const shown = row.flags.filter((flag) => flag !== 'merged' && !(meta && flag === 'redirect'));
  return shown.sort((a, b) => Number(WARNING_FLAGS.has(b)) - Number(WARNING_FLAGS.has(a)));
}

/** A row's accessible name: whole sentences would be read for every step of the cursor, so words. */
export function rowName(row: EntryRow, stack: readonly StackLayer[]): string {
  const letters = row.layers.map((layer) => stack[layer]?.letter ?? '?').join(' ');
  const data = row.dataLayer === null ? '' : ` ${text.browser.arrow} ${stack[row.dataLayer]?.letter ?? '?'}`;
  const flags = [...shownFlags(row).map((flag) => text.browser.flags[flag]), ...(row.error ? [row.error] : [])].join(
    ' ',
  );
  const size = row.kind === 'file' ? formatSize(row.size) : '';
  return text.browser.rowName(row.name, text.browser.kinds[row.kind], letters + data, size, flags);
}
