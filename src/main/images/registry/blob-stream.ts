// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import type { Descriptor } from '../source';
import { headerOf, type Answer } from './exchange';
import { networkFault, type NetworkFault } from './network-fault';
import { pause, pauseBefore, type RetryPolicy } from './retry';

/** Asks for a blob from an offset on; the answer's status is 200 (all of it) or 206. */
export type BlobRequest = (offset: number, signal: AbortSignal) => Promise<Answer>;

/** Bytes after which what broke before is forgiven: a poor line gets through, one that gives nothing does not. */
const PROGRESS = 1 << 20;

/** The headers that ask for the bytes from an offset on, as they are and not compressed on the way. */
export function rangeHeaders(offset: number): Record<string, string> {
  return { 'accept-encoding': 'identity', ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) };
}

/**
 * A blob's bytes from an offset on. When the connection breaks they go on where they were, by a range or, of a server
 * that gives none, by leaving out what was had. Never more bytes than the descriptor says.
 * @throws Failure at once when the blob is not to be had, later when it breaks again and again or is too long
 */
export async function openBlob(
  ask: BlobRequest,
  descriptor: Descriptor,
  offset: number,
  retry: RetryPolicy,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  // Nothing is left to ask for; a range that begins at the end is an error to some.
  if (offset >= descriptor.size && offset > 0) return nothing();
  const first = await ask(offset, signal);
  return stream(ask, first, descriptor, offset, retry, signal);
}

async function* stream(
  ask: BlobRequest,
  first: Answer,
  descriptor: Descriptor,
  offset: number,
  retry: RetryPolicy,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let position = offset;
  let answer: Answer | null = first;
  const { url } = first;
  let failed = 0;
  let forgiven = offset;
  try {
    for (;;) {
      let fault: NetworkFault | null = null;
      try {
        answer ??= await ask(position, signal);
        for await (const chunk of bytesFrom(answer, position, descriptor)) {
          position += chunk.length;
          if (position > descriptor.size) throw tooLong(descriptor, answer);
          yield chunk;
        }
      } catch (error) {
        signal.throwIfAborted();
        fault = networkFault(error, url);
        if (!fault) throw error;
      }
      if (position === descriptor.size) return;
      // An end before the end: some proxies close a connection that broke as if all was said.
      if (!fault && answer && whole(answer)) return;
      if (position - forgiven >= PROGRESS) failed = 0;
      forgiven = position;
      failed += 1;
      if (failed >= retry.tries) throw fault?.failure ?? tooShort(descriptor, position, url);
      answer?.body.destroy();
      answer = null;
      await pause(pauseBefore(failed + 1, retry), signal);
    }
  } finally {
    answer?.body.destroy();
  }
}

/** Whether the server said how long the answer is, and kept to it: then it has no more, and the caller is to judge. */
function whole(answer: Answer): boolean {
  return headerOf(answer, 'content-length') !== undefined;
}

async function* bytesFrom(answer: Answer, position: number, descriptor: Descriptor): AsyncGenerator<Uint8Array> {
  let skip = position;
  if (answer.status === 206) {
    checkRange(answer, position, descriptor);
    skip = 0;
  }
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    if (skip >= chunk.length) skip -= chunk.length;
    else {
      yield skip > 0 ? chunk.subarray(skip) : chunk;
      skip = 0;
    }
  }
}

function checkRange(answer: Answer, position: number, descriptor: Descriptor): void {
  const header = headerOf(answer, 'content-range') ?? '';
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header) ?? [];
  if (Number(start) === position && (total === '*' || Number(total) === descriptor.size)) return;
  const { host } = answer.url;
  throw total !== undefined && Number(start) === position
    ? new Failure(
        'wrong-size',
        `Blob ${descriptor.digest}: ${host} has ${total} bytes of it, but its descriptor says ${descriptor.size}.`,
        'Do not use it: manifest and blob do not belong together.',
      )
    : new Failure(
        'registry-answer',
        `Blob ${descriptor.digest}: ${host} answers with another range than was asked for, byte ${position} on.`,
        'Try another registry or mirror.',
      );
}

function tooLong(descriptor: Descriptor, { url }: Answer): Failure {
  return new Failure(
    'wrong-size',
    `Blob ${descriptor.digest}: ${url.host} gives more than the ${descriptor.size} bytes that its descriptor says.`,
    'Do not use it: manifest and blob do not belong together.',
  );
}

function tooShort(descriptor: Descriptor, position: number, url: URL): Failure {
  return new Failure(
    'registry-broken',
    `Blob ${descriptor.digest}: ${url.host} ends it after ${position} of ${descriptor.size} bytes, again and again.`,
    'Try again later, or another mirror.',
  );
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // No bytes.
}
