// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import type { TransferItem, TransferProgress } from '@shared/images';
import { ProgressPrinter } from '../../../src/main/cli/progress';

const item = (digest: string, state: TransferItem['state'], bytes = 0): TransferItem => ({
  digest: `sha256:${digest.repeat(64)}`,
  what: 'layer',
  state,
  bytes,
  total: 1000,
  files: state === 'running' ? 3 : 0,
});
const progress = (...items: TransferItem[]): TransferProgress => ({
  items,
  bytes: 500,
  total: 1000,
  files: 3,
  rate: 250,
  secondsLeft: 1.5,
});

test('a terminal shows what runs in a few lines, drawn over the last ones, and nothing at the end', () => {
  const written: string[] = [];
  const printer = new ProgressPrinter(true, (text) => written.push(text), 60);
  printer.show(progress(item('a', 'running', 500), item('b', 'waiting')));
  printer.show(progress(item('a', 'done', 1000)));
  printer.end();
  printer.end();
  expect(written).toEqual([
    'sha256:aaaaaaaaaaaa [==========          ] 500 B of 1.0 kB,\x1b[K\n500 B of 1.0 kB, 3 files, 250 B/s, 2 s left\x1b[K\n\x1b[J',
    '\x1b[2A500 B of 1.0 kB, 3 files, 250 B/s, 2 s left\x1b[K\n\x1b[J',
    '\x1b[1A\x1b[J',
  ]);
});

test('else each blob is told once, when it is through', () => {
  const written: string[] = [];
  const printer = new ProgressPrinter(false, (text) => written.push(text));
  printer.show(progress(item('a', 'running', 500), item('b', 'exists')));
  printer.show(progress(item('a', 'done', 1000), item('b', 'exists')));
  printer.end();
  expect(written.join('')).toBe('layer sha256:bbbbbbbbbbbb: there already\nlayer sha256:aaaaaaaaaaaa: 1.0 kB\n');
});
