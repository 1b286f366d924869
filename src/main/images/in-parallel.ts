// SPDX-License-Identifier: MIT

/**
 * Does something with each item, with a few at a time. The first that fails stops the others: they are waited for, so
 * that nothing goes on behind the caller's back.
 * @param most how many at a time
 * @throws what the first one threw
 */
export async function inParallel<T>(
  items: readonly T[],
  most: number,
  signal: AbortSignal,
  use: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const own = AbortSignal.any([signal, stop.signal]);
  const waiting = items[Symbol.iterator]();
  let failure: { readonly error: unknown } | null = null;
  const work = async (): Promise<void> => {
    for (let next = waiting.next(); !next.done && !own.aborted; next = waiting.next()) {
      try {
        await use(next.value, own);
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, work));
  signal.throwIfAborted();
  if (failure) throw (failure as { readonly error: unknown }).error;
}
