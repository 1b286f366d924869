// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import type { ChangeRow } from '@shared/contract';
import { changeName, differsText, sizeText } from '../../../src/renderer/src/changes/change-words';

const row = (change: Partial<ChangeRow>): ChangeRow => ({
  path: '/a',
  display: '/a',
  kind: 'added',
  type: 'file',
  size: 0,
  differs: [],
  oldPath: null,
  oldDisplay: null,
  error: null,
  ...change,
});

test('new content makes the new time no news, and a copy like the original is told', () => {
  expect(differsText(row({ kind: 'modified', differs: ['content', 'mode', 'mtime'] }))).toBe('content, mode');
  expect(differsText(row({ kind: 'metadata', differs: ['mtime'] }))).toBe('time');
  expect(differsText(row({ kind: 'metadata' }))).toBe('copied up, unchanged');
  expect(differsText(row({ kind: 'metadata', error: 'EACCES' }))).toBe('EACCES');
});

test('only files have a size', () => {
  expect(sizeText(row({ size: 1234 }))).toBe('1.2 kB');
  expect(sizeText(row({ type: 'directory', size: 4096 }))).toBe('');
});

test('a row says what it is in one breath', () => {
  const renamed = row({ kind: 'renamed', type: 'directory', oldPath: '/b', oldDisplay: '/b', differs: ['mode'] });
  expect(changeName(renamed)).toBe('Renamed, /a, from /b, directory, mode');
});
