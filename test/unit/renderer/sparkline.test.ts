// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { sparkline } from '../../../src/renderer/src/design/sparkline';
import { ratesBetween, totalsOf } from '../../../src/renderer/src/mounts/rates';

test('one value makes no line, and the latest is at the right edge', () => {
  expect(sparkline([], 60, 28)).toBeNull();
  expect(sparkline([1], 60, 28)).toBeNull();
  expect(sparkline([0, 5, 10], 60, 28)).toEqual({
    line: 'M57 27L58 14.5L59 2',
    area: 'M57 27L58 14.5L59 2L59 28L57 28Z',
  });
});

test('nothing going on is a line on the ground, and only the latest are drawn', () => {
  expect(sparkline([0, 0], 3, 28)?.line).toBe('M1 27L2 27');
  expect(sparkline([9, 1, 1, 1], 3, 28)?.line).toBe('M0 2L1 2L2 2');
});

test('rates are by the second, and never below zero', () => {
  const activity = {
    transport: 'direct',
    requests: { READ: 30, LOOKUP: 10 },
    errors: 2,
    bytesRead: 5000,
    bytesWritten: 0,
    copyUps: 1,
    copyUpBytes: 100,
    memory: 1,
  } as const;
  const before = totalsOf(activity);
  expect(before).toEqual({ operations: 40, read: 5000, written: 0, copyUps: 1, errors: 2 });
  const after = totalsOf({ ...activity, requests: { READ: 50 }, bytesRead: 9000 });
  expect(ratesBetween(before, after, 500)).toEqual({ operations: 20, read: 8000, written: 0, copyUps: 0, errors: 0 });
  expect(ratesBetween(after, { ...before, operations: 1 }, 1000).operations).toBe(0);
});
