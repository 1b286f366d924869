// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { upperdirOf } from '../../../src/main/mounts/upper-use';

const line = (options: string, type = 'overlay') => ({ mountpoint: '/m', type, source: 'overlay', options });

test('the upperdir of a mount is read back from the mount table', () => {
  expect(upperdirOf(line('rw,lowerdir=/a:/b,upperdir=/u,workdir=/w'))).toBe('/u');
  expect(upperdirOf(line('rw,lowerdir=/a:/b'))).toBeNull();
  expect(upperdirOf(line('rw,upperdir=/u', 'ext4'))).toBeNull();
});

test('escapes of the table and of the option are undone', () => {
  expect(upperdirOf(line('rw,upperdir=/with\\040space\\134\\054and\\134\\134more'))).toBe('/with space,and\\more');
});
