// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import { request, type Dispatcher } from 'undici';
import type { Connections } from './connections';
import { networkFault } from './network-fault';
import { plain } from './plain-text';

/** One request, and what may be done with it. */
export interface Exchange {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Goes to the origin of `url` alone, whatever a redirect says. */
  readonly authorization: string | null;
  /** Bytes can be sent again after a redirect, a stream cannot. */
  readonly body?: Buffer | AsyncIterable<Uint8Array>;
  /** Whether unknown certificates and plain http will do, here and where it is redirected to. */
  readonly insecure: boolean;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Where it came from in the end. */
  readonly url: URL;
  readonly body: Dispatcher.ResponseData['body'];
}

const MOST_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The one value of a header that should come once; of several the first. */
export function headerOf({ headers }: Pick<Answer, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * Sends a request and follows its redirects. Credentials stay with the host that they are for, and nothing that began
 * with TLS goes on without it.
 * @throws NetworkFault when there is no answer, the signal's reason, Failure of a redirect that leads nowhere good
 */
export async function exchange(connections: Connections, first: Exchange): Promise<Answer> {
  const { method, headers, authorization, body, insecure, signal } = first;
  let { url } = first;
  for (let hops = 0; ; hops += 1) {
    refusePlainHttp(url, insecure, first.url);
    const ours = url.origin === first.url.origin;
    const answer = await once(connections, url, insecure, {
      method,
      headers: { ...headers, ...(authorization !== null && ours ? { authorization } : {}) },
      body: body ?? null,
      signal,
    });
    const location = REDIRECTS.has(answer.status) ? headerOf(answer, 'location') : undefined;
    if (location === undefined) return answer;
    const safe = method === 'GET' || method === 'HEAD';
    if (!safe && (answer.status < 307 || !(body === undefined || Buffer.isBuffer(body)))) return answer;
    await discard(answer, signal);
    if (hops === MOST_REDIRECTS) {
      throw wrongRedirect(first.url, `it redirects more than ${MOST_REDIRECTS} times, lastly to ${plain(location)}`);
    }
    url = target(location, url);
  }
}

async function once(
  connections: Connections,
  url: URL,
  insecure: boolean,
  options: Pick<Dispatcher.RequestOptions, 'method' | 'headers' | 'signal'> & { body: Exchange['body'] | null },
): Promise<Answer> {
  const { signal } = options as { signal: AbortSignal };
  signal.throwIfAborted();
  const dispatcher = connections.dispatcher(url, insecure);
  try {
    const { statusCode, headers, body } = await request(url, { ...options, dispatcher } as Parameters<
      typeof request
    >[1]);
    // An error after the last reader has gone is nobody's.
    body.on('error', () => undefined);
    return { status: statusCode, headers, url, body };
  } catch (error) {
    signal.throwIfAborted();
    throw networkFault(error, url) ?? error;
  }
}

/** Reads what nobody wants, so that the connection can be used again; a long answer is cut off. */
export async function discard({ body }: Pick<Answer, 'body'>, signal: AbortSignal): Promise<void> {
  try {
    await body.dump({ limit: 64 * 1024, signal });
  } catch {
    signal.throwIfAborted();
  }
}

/** Where a `Location` leads. @throws Failure of one that is no address, or that brings credentials of its own */
export function target(location: string, base: URL): URL {
  let url: URL;
  try {
    url = new URL(location, base);
  } catch {
    throw wrongRedirect(base, `it redirects to ${plain(location)}, which is no address`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw wrongRedirect(base, `it redirects to ${plain(location)}, which is not http`);
  }
  if (url.username !== '' || url.password !== '') {
    throw wrongRedirect(base, 'it redirects to an address with a password in it');
  }
  return url;
}

/** @throws Failure of plain http where only an insecure registry may use it */
export function refusePlainHttp(url: URL, insecure: boolean, from: URL): void {
  if (url.protocol === 'https:' || insecure) return;
  throw new Failure(
    'registry-plain-http',
    `${from.host} leads from TLS to plain http (${plain(`${url.origin}${url.pathname}`)}).`,
    "The registry's operator must correct its address (a proxy before it has to say X-Forwarded-Proto: https); or declare the registry insecure in registries.conf.",
  );
}

function wrongRedirect(url: URL, reason: string): Failure {
  return new Failure(
    'registry-answer',
    `${url.host}: ${reason}.`,
    "Tell the registry's operator, or take another registry or mirror.",
  );
}
