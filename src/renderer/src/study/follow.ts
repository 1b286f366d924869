// SPDX-License-Identifier: MIT

/** How often a study that runs is asked how far it is. */
const PERIOD_MS = 150;

/**
 * Asks again and again until the answer is the last one.
 * @param isCurrent false once nobody wants to know any more
 */
export async function followStudy<T>(
  ask: () => Promise<T>,
  take: (status: T) => boolean | Promise<boolean>,
  isCurrent: () => boolean,
): Promise<void> {
  while (isCurrent()) {
    const status = await ask();
    if (!isCurrent() || (await take(status))) return;
    await new Promise((done) => setTimeout(done, PERIOD_MS));
  }
}
