// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { runSlices } from '../../../src/main/images/slices';

const never = new AbortController().signal;

it('lets others run, and tells at most ten times a second and at the end', async () => {
  const end = performance.now() + 450;
  let others = 0;
  const timer = setInterval(() => others++, 5);
  let told = 0;
  function* work(): Generator<void, void> {
    while (performance.now() < end) yield;
  }
  await runSlices(work(), never, () => told++);
  clearInterval(timer);
  expect(told).toBeGreaterThanOrEqual(3);
  expect(told).toBeLessThanOrEqual(6);
  expect(others).toBeGreaterThan(8);
});

it('stops in the midst of it', async () => {
  const stop = new AbortController();
  function* forever(): Generator<void, void> {
    for (;;) yield;
  }
  setTimeout(() => stop.abort(new Error('enough')), 30);
  await expect(runSlices(forever(), stop.signal, () => undefined)).rejects.toThrow('enough');
});
