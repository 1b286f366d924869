// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { writableDirectories } from '../../../src/main/layers/kernel-overlays';

const of = (options: string, type = 'overlay'): string[] => writableDirectories({ type, options });

test('what a mount writes to is read back from the mount table', () => {
  expect(of('rw,lowerdir=/a:/b,upperdir=/u,workdir=/w')).toEqual(['/u', '/w']);
  expect(of('rw,lowerdir=/a:/b')).toEqual([]);
  expect(of('rw,upperdir=/u', 'ext4')).toEqual([]);
});

test('escapes of the table and of the option are undone', () => {
  expect(of('rw,upperdir=/with\\040space\\134\\054and\\134\\134more')).toEqual(['/with space,and\\more']);
});
