// SPDX-License-Identifier: MIT
import type { EntryRow } from '@shared/view';

export { formatSize } from '@shared/format-size';

const date = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short' });

const KIND_LETTERS: Readonly<Record<EntryRow['kind'], string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
  unknown: '?',
};

/** The mode as ls(1) writes it, `-rwsr-xr-x`. */
export function formatMode(kind: EntryRow['kind'], mode: number): string {
  if (kind === 'unknown') return '?---------';
  const bit = (mask: number, letter: string): string => ((mode & mask) !== 0 ? letter : '-');
  const execute = (mask: number, special: number, letter: string): string => {
    if ((mode & special) === 0) return bit(mask, 'x');
    return (mode & mask) !== 0 ? letter : letter.toUpperCase();
  };
  return (
    KIND_LETTERS[kind] +
    bit(0o400, 'r') +
    bit(0o200, 'w') +
    execute(0o100, 0o4000, 's') +
    bit(0o040, 'r') +
    bit(0o020, 'w') +
    execute(0o010, 0o2000, 's') +
    bit(0o004, 'r') +
    bit(0o002, 'w') +
    execute(0o001, 0o1000, 't')
  );
}

/** `2026-11-24 12:30`, in local time. */
export function formatTime(milliseconds: number): string {
  return Number.isFinite(milliseconds) ? date.format(milliseconds) : '';
}
