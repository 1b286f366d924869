// SPDX-License-Identifier: MIT
import { writeSync } from 'node:fs';
import { display, type ByteString } from '@shared/bytes';
import { stackOf, type Composition } from '@shared/composition';
import type { MountInfo } from '@shared/contract';
import type { EntryRow, Explanation } from '@shared/view';

/** Writes all of it, whatever the pipe takes at a time. */
function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') process.exit(0);
      if (code !== 'EAGAIN') throw error;
    }
  }
}

export const printText = (text: string): void => writeAll(1, Buffer.from(`${text}\n`));
export const printBytes = (bytes: ByteString): void => writeAll(1, Buffer.from(`${bytes}\n`, 'latin1'));
export const printJson = (value: unknown): void => printText(JSON.stringify(value, null, 2));
export const warn = (text: string): void => writeAll(2, Buffer.from(`lamina: ${text}\n`));

/**
 * Lines in columns, each as wide as its widest cell; the last is as long as it is.
 * @param right columns of numbers, aligned to the right
 */
export function printColumns(lines: readonly (readonly string[])[], right: readonly number[] = []): void {
  const widths: number[] = [];
  for (const line of lines) line.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  for (const line of lines) {
    const cells = line.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)));
    printText(cells.join('  ').trimEnd());
  }
}

const TYPES: Readonly<Record<string, string>> = {
  directory: 'd',
  symlink: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
  file: '-',
};

/** `drwxr-sr-t` as ls(1) writes a mode; question marks where the lookup failed. */
export function modeText({ kind, mode }: EntryRow): string {
  if (kind === 'unknown') return '??????????';
  const bits = [...'rwxrwxrwx'].map((letter, i) => (mode & (0o400 >> i) ? letter : '-'));
  const special = (at: number, flag: number, set: string): void => {
    if (mode & flag) bits[at] = bits[at] === 'x' ? set : set.toUpperCase();
  };
  special(2, 0o4000, 's');
  special(5, 0o2000, 's');
  special(8, 0o1000, 't');
  return TYPES[kind]! + bits.join('');
}

/** `A`, `A+B` for a merged directory, `A→D` for metadata and data of different layers. */
function originText(row: EntryRow, letters: readonly string[]): string {
  const names = row.layers.map((layer) => letters[layer] ?? '?').join('+') || '-';
  return row.dataLayer !== null && row.dataLayer !== row.layers[0] ? `${names}→${letters[row.dataLayer]}` : names;
}

export const lettersOf = (subject: Pick<Composition, 'upper' | 'lowers' | 'data'>): string[] =>
  stackOf(subject).map(({ letter }) => letter);

function metadataCells(row: EntryRow): string[] {
  const time = new Date(row.mtime).toISOString().slice(0, 19).replace('T', ' ');
  return [`${row.uid}:${row.gid}`, row.rdev ? row.rdev.join(',') : String(row.size), time];
}

function stateText({ flags, error }: EntryRow): string {
  const words = [...flags.filter((flag) => flag !== 'merged'), ...(error ? [error] : [])];
  return words.length > 0 ? `[${words.join(' ')}]` : '';
}

/** A line a name: where it comes from, mode, owner, size, time, name, state. */
export function printRows(rows: readonly EntryRow[], letters: readonly string[]): void {
  const cells = rows.map((row) => [
    originText(row, letters),
    modeText(row),
    ...(row.kind === 'unknown' ? ['?', '?', '?'] : metadataCells(row)),
    // Names can be long: what is said of one follows it at once.
    `${row.name}  ${stateText(row)}`,
  ]);
  printColumns(cells, [3]);
}

/** Width of the column of roles. */
const ROLE = 14;

/** The answer in a sentence, then every layer's part in it. */
export function printExplanation(
  explanation: Explanation,
  subject: Pick<Composition, 'upper' | 'lowers' | 'data'>,
): void {
  const stack = stackOf(subject);
  printText(explanation.path);
  printText(explanation.summary);
  if (explanation.linkTarget !== null) printText(`link to ${explanation.linkTarget}`);
  if (explanation.row?.flags.includes('captured')) {
    printText('Captured: the redirect ends in a lower layer before it comes to the data-only layer that has the file.');
  }
  for (const step of explanation.ladder) {
    const layer = stack[step.layer]!;
    const marks = step.marks.length > 0 ? ` [${step.marks.join(', ')}]` : '';
    // Whole paths, to be pasted into getfattr(1); a layer without the directory has only its own.
    const path = display(layer.path) + (step.path.startsWith('/') && step.path !== '/' ? step.path : '');
    printText(`  ${layer.letter.padEnd(3)}${step.role.padEnd(ROLE)}${path}${marks}`);
    printText(`${''.padEnd(5 + ROLE)}${step.reason}`);
  }
  for (const { layer, name, value, private: hidden } of explanation.xattrs) {
    const cell = `${'xattr'.padEnd(ROLE)}${name} = ${value}${hidden ? ' (private)' : ''}`;
    printText(`  ${stack[layer]!.letter.padEnd(3)}${cell}`);
  }
}

/** A line a mount, in columns. */
export function printMounts(mounts: readonly MountInfo[]): void {
  const cells = mounts.map((mount) => [
    mount.display,
    mount.transport,
    `pid ${mount.pid}`,
    `since ${new Date(mount.since).toISOString().slice(0, 19)}Z`,
    display(mount.options),
  ]);
  printColumns(cells);
}

/** `1 object`, `2 objects`. */
export const plural = (n: number, one: string): string => `${n} ${n === 1 ? one : `${one}s`}`;
