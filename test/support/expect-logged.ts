// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

const turn = new Int32Array(new SharedArrayBuffer(4));

/** Waits for a line of a mount's log: it is written behind the answer to the caller. */
export function expectLogged(log: string, line: RegExp): void {
  const text = (): string => readFileSync(log, 'utf8');
  for (let tries = 0; tries < 100 && !line.test(text()); tries++) Atomics.wait(turn, 0, 0, 50);
  expect(text()).toMatch(line);
}
