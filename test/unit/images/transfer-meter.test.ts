// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import type { TransferProgress } from '@shared/images';
import { TransferMeter } from '../../../src/main/images/transfer-meter';

function metered(): { meter: TransferMeter; said: TransferProgress[]; pass: (ms: number) => void } {
  let now = 0;
  const said: TransferProgress[] = [];
  const meter = new TransferMeter(
    (progress) => said.push(progress),
    () => now,
  );
  return { meter, said, pass: (ms) => (now += ms) };
}

test('it tells ten times a second at most, and once more at the end', () => {
  const { meter, said, pass } = metered();
  const item = meter.item('sha256:a', 'layer', 1000);
  item.start();
  for (let i = 0; i < 1000; i++) {
    pass(1);
    item.addBytes(1);
  }
  expect(said.length).toBeLessThanOrEqual(11);
  item.end('done');
  meter.end();
  expect(said.at(-1)).toMatchObject({ bytes: 1000, total: 1000, secondsLeft: 0 });
});

test('the rate is that of the last seconds, and says how long it will take', () => {
  const { meter, said, pass } = metered();
  const item = meter.item('sha256:a', 'layer', 100_000);
  item.start();
  for (let i = 0; i < 50; i++) {
    pass(100);
    item.addBytes(1000);
  }
  expect(said.at(-1)!.rate).toBeCloseTo(10_000, -3);
  expect(said.at(-1)!.secondsLeft).toBeCloseTo(5, 0);
  for (let i = 0; i < 40; i++) {
    pass(100);
    item.addBytes(100);
  }
  expect(said.at(-1)!.rate).toBeCloseTo(1000, -3);
});

test('what is there already is no work, and an unknown size makes the whole unknown', () => {
  const { meter } = metered();
  meter.item('sha256:a', 'layer', 500).end('exists');
  const item = meter.item('sha256:b', 'layer', null);
  item.start();
  item.addBytes(7);
  item.setFiles(3);
  expect(meter.progress()).toMatchObject({ bytes: 7, total: null, files: 3, secondsLeft: null });
  item.end('done');
  expect(meter.progress()).toMatchObject({ bytes: 7, total: 7 });
  expect(meter.progress().items.map(({ state }) => state)).toEqual(['exists', 'done']);
});
