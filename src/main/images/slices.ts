// SPDX-License-Identifier: MIT

/** How long a search runs before others on its thread get their turn. */
const TURN_MS = 12;
/** Progress is told at most ten times a second. */
const TELL_MS = 100;

/**
 * Runs a search that works in slices to its end, giving way to whoever else waits for the thread.
 * @param tell called at most ten times a second, and once more at the end
 * @throws whatever `signal` was aborted with, or the search throws
 */
export async function runSlices(work: Iterator<void, void>, signal: AbortSignal, tell: () => void): Promise<void> {
  for (let told = performance.now(); ;) {
    signal.throwIfAborted();
    const turn = performance.now() + TURN_MS;
    for (let now = performance.now(); now < turn; now = performance.now()) {
      if (!work.next().done) continue;
      tell();
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
    if (performance.now() - told < TELL_MS) continue;
    told = performance.now();
    tell();
  }
}
