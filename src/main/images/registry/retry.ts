// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from 'node:timers/promises';

/** How often, and after what pauses, a request is tried again. */
export interface RetryPolicy {
  /** In all; the first is one of them. */
  readonly tries: number;
  /** Milliseconds before the second try; doubled with each further one. */
  readonly firstPause: number;
  /** Milliseconds that a pause has at most. */
  readonly longestPause: number;
  /** Milliseconds up to which a registry's `Retry-After` is obeyed; a longer one ends the tries. */
  readonly longestRetryAfter: number;
}

export const defaultRetry: RetryPolicy = {
  tries: 6,
  firstPause: 500,
  longestPause: 15_000,
  longestRetryAfter: 120_000,
};

/** Milliseconds before try number `next` (2 for the first repetition), with chance in it so that many do not come at once. */
export function pauseBefore(next: number, { firstPause, longestPause }: RetryPolicy): number {
  const pause = Math.min(longestPause, firstPause * 2 ** (next - 2));
  return pause * (0.75 + Math.random() / 4);
}

/** Milliseconds that a `Retry-After` asks for, seconds or a date (RFC 9110, 10.2.3); null where it says neither. */
export function retryAfter(header: string | undefined, now: number): number | null {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = /^[A-Za-z]{3},/.test(header) ? Date.parse(header) : NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/** Answers by which a registry says "later": what else is wrong will be wrong again. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status === 500 || (status >= 502 && status <= 504);
}

/** Waits, or throws the signal's reason. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}
