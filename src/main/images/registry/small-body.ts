// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import { headerOf, type Answer } from './exchange';
import { networkFault } from './network-fault';

/**
 * Reads an answer that has to fit in memory.
 * @param most     bytes, over which it is refused without being read to its end
 * @param deadline milliseconds for all of it: a byte now and then must not keep us for ever
 * @throws Failure of an answer that is too long or too slow, NetworkFault of one that breaks off
 */
export async function readBody(answer: Answer, most: number, signal: AbortSignal, deadline = 120_000): Promise<Buffer> {
  const { body, url } = answer;
  const tooLong = (): Failure =>
    new Failure(
      'registry-answer',
      `${url.host} answers with more than ${most} bytes where a small document was asked for.`,
      'Take another registry or mirror; no honest one does this.',
    );
  const timer = setTimeout(() => {
    body.destroy(
      new Failure(
        'registry-slow',
        `${url.host} took more than ${deadline / 1000} s for a small document.`,
        'Try again later.',
      ),
    );
  }, deadline);
  const aborted = (): void => void body.destroy(signal.reason as Error);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    signal.throwIfAborted();
    if (Number(headerOf(answer, 'content-length') ?? 0) > most) throw tooLong();
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > most) throw tooLong();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, length);
  } catch (error) {
    body.destroy();
    signal.throwIfAborted();
    throw networkFault(error, url) ?? error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', aborted);
  }
}
