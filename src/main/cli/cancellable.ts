// SPDX-License-Identifier: MIT
import { Cancelled } from './program';

/**
 * Lets a person stop what takes long: the first Ctrl+C ends it in good order, a second one at once.
 * @throws Cancelled when it was stopped, and nothing of it is left
 */
export async function cancellable<T>(use: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new Cancelled('Cancelled; nothing is left half done.'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await use(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
