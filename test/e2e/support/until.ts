// SPDX-License-Identifier: MIT
import { expect } from 'vitest';

/** Asks again until the answer is the expected one, and then shows the difference. */
export async function until<T>(ask: () => Promise<T>, expected: T, timeout = 10_000): Promise<void> {
  await expect.poll(ask, { timeout, interval: 50 }).toEqual(expected);
}
