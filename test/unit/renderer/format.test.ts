// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { formatMode, formatSize } from '../../../src/renderer/src/design/format';
import { shorten, splitPath } from '../../../src/renderer/src/design/shorten';
import { toneOf } from '../../../src/renderer/src/design/tone';

describe('what the eye gets', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [59_000, '59 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [1_342_984, '1.3 MB'],
    [9_960_000, '10 MB'],
    [5e9, '5.0 GB'],
  ])('writes %d bytes as %s', (bytes, expected) => expect(formatSize(bytes)).toBe(expected));

  it.each([
    ['file', 0o100755, '-rwxr-xr-x'],
    ['directory', 0o41777, 'drwxrwxrwt'],
    ['directory', 0o41776, 'drwxrwxrwT'],
    ['file', 0o104755, '-rwsr-xr-x'],
    ['file', 0o102644, '-rw-r-Sr--'],
    ['char', 0o020000, 'c---------'],
    ['unknown', 0, '?---------'],
  ] as const)('writes the mode of a %s %d as %s', (kind, mode, expected) =>
    expect(formatMode(kind, mode)).toBe(expected),
  );

  it('shortens in the middle and keeps the end', () => {
    expect(shorten('/short', 10)).toBe('/short');
    expect(shorten('/a/very/long/path/to/layer', 15)).toBe('/a/ve…/to/layer');
    expect(shorten('/a/very/long/path/to/layer', 15)).toHaveLength(15);
  });

  it('splits a path into name and folder', () => {
    expect(splitPath('/a/b')).toEqual({ name: 'b', folder: '/a' });
    expect(splitPath('/a')).toEqual({ name: 'a', folder: '/' });
    expect(splitPath('/')).toEqual({ name: '/', folder: '' });
  });

  it('gives letters eight colours in turn', () => {
    expect(['A', 'H', 'I', 'Z', 'AA'].map((letter) => toneOf(letter, false))).toEqual([
      'tone-0',
      'tone-7',
      'tone-0',
      'tone-1',
      'tone-2',
    ]);
    expect(toneOf('U', true)).toBe('tone-u');
  });
});
