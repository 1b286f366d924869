// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { layerDirectories, writableDirectories } from '../../../src/main/layers/kernel-overlays';

const of = (options: string, type = 'overlay'): string[] => writableDirectories({ type, options });

test('what a mount writes to is read back from the mount table', () => {
  expect(of('rw,lowerdir=/a:/b,upperdir=/u,workdir=/w')).toEqual(['/u', '/w']);
  expect(of('rw,lowerdir=/a:/b')).toEqual([]);
  expect(of('rw,upperdir=/u', 'ext4')).toEqual([]);
});

test('escapes of the table and of the option are undone', () => {
  expect(of('rw,upperdir=/with\\040space\\134\\054and\\134\\134more')).toEqual(['/with space,and\\more']);
});

test('what a mount stands on is read back, in both spellings', () => {
  const layers = (options: string): string[] => layerDirectories({ options });
  expect(layers('rw,lowerdir=/a:/b::/data,upperdir=/u,workdir=/w')).toEqual(['/a', '/b', '/data']);
  expect(layers('ro,lowerdir+=/a,lowerdir+=/b\\134c,datadir+=/d:e')).toEqual(['/a', '/b\\c', '/d:e']);
  expect(layers('ro,lowerdir=/with\\040space\\134:colon:l/SHORT')).toEqual(['/with space:colon', 'l/SHORT']);
  expect(layers('rw,upperdir=/u')).toEqual([]);
});
