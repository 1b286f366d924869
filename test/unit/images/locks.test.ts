// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeLock, tryLock } from '../../../src/main/images/store/locks';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamina-locks-'));
  path = `${folder}/lock`;
});
afterEach(() => rmSync(folder, { recursive: true }));

test('many share a lock, one has it alone', () => {
  const first = tryLock(path, 'shared');
  const second = tryLock(path, 'shared');
  expect(first && second).toBeTruthy();
  expect(tryLock(path, 'exclusive')).toBeNull();
  first!.release();
  expect(tryLock(path, 'exclusive')).toBeNull();
  second!.release();
  const alone = tryLock(path, 'exclusive');
  expect(alone).not.toBeNull();
  expect(tryLock(path, 'shared')).toBeNull();
  alone!.release();
});

test('who waits gets it when it is free, in this process too', async () => {
  const order: string[] = [];
  const work = async (name: string): Promise<void> => {
    const lock = await takeLock(path, 'exclusive');
    order.push(`${name} in`);
    await sleep(30);
    order.push(`${name} out`);
    lock.release();
  };
  await Promise.all([work('a'), work('b'), work('c')]);
  for (let i = 0; i < order.length; i += 2) expect(order[i + 1]).toBe(order[i]!.replace('in', 'out'));
});

test('waiting ends with the patience, and with the signal', async () => {
  const held = tryLock(path, 'exclusive')!;
  await expect(takeLock(path, 'shared', undefined, 50)).rejects.toMatchObject({ code: 'EBUSY' });
  const abort = new AbortController();
  const waiting = takeLock(path, 'shared', abort.signal);
  setTimeout(() => abort.abort(), 30);
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  held.release();
});
