// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { RegistryRefusal } from './answer-failure';
import type { Scope } from './authorizer';
import { discard, headerOf, target, type Answer } from './exchange';
import type { RegistryClient, RegistryRequest } from './registry-client';

/** Where an upload is, and how much of it the registry has. */
export interface UploadSession {
  readonly location: URL;
  readonly offset: number;
}

/** The requests of one blob's upload (distribution-spec, "Pushing blobs"). */
export class UploadRequests {
  constructor(
    private readonly client: RegistryClient,
    private readonly digest: Digest,
    private readonly signal: AbortSignal,
  ) {}

  get #common(): Pick<RegistryRequest, 'scopes' | 'subject' | 'signal'> {
    const { client, digest, signal } = this;
    return { scopes: [client.scope('pull', 'push')], subject: `Blob ${digest}`, signal };
  }

  async start(): Promise<UploadSession> {
    const path = `${this.client.name.path}/blobs/uploads/`;
    const answer = await this.#send({ ...this.#common, method: 'POST', path, body: EMPTY, expect: [202] });
    return { location: this.#location(answer), offset: 0 };
  }

  /** Asks for the blob from another repository of the registry; null when it is there now, else a session to send it. */
  async mount(from: string): Promise<UploadSession | null> {
    const query = `mount=${encodeURIComponent(this.digest)}&from=${encodeURIComponent(from)}`;
    const path = `${this.client.name.path}/blobs/uploads/?${query}`;
    const scopes: Scope[] = [...this.#common.scopes, `repository:${from}:pull`];
    const request = { ...this.#common, scopes, method: 'POST', path, body: EMPTY, expect: [201, 202] } as const;
    const answer = await this.#send(request);
    return answer.status === 201 ? null : { location: this.#location(answer), offset: 0 };
  }

  /** @param ranged whether the bytes are a part only, whose place has to be said */
  async append(
    { location, offset }: UploadSession,
    body: AsyncIterable<Uint8Array>,
    end: number,
    ranged: boolean,
  ): Promise<UploadSession> {
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(end - offset),
      ...(ranged ? { 'content-range': `${offset}-${end - 1}` } : {}),
    };
    const request = { ...this.#common, method: 'PATCH', path: location, headers, body, expect: [202] } as const;
    const answer = await this.#send(request);
    const had = rangeEnd(answer);
    return { location: this.#location(answer), offset: had !== null && had > offset && had < end ? had : end };
  }

  /** How far an upload is after a break; null when it has to start anew. */
  async status({ location }: UploadSession): Promise<UploadSession | null> {
    try {
      const answer = await this.#send({ ...this.#common, method: 'GET', path: location, expect: [200, 204] });
      const had = rangeEnd(answer);
      return had === null ? null : { location: this.#location(answer, location), offset: had };
    } catch (error) {
      if (error instanceof RegistryRefusal && error.status < 500 && error.status !== 401) return null;
      throw error;
    }
  }

  async complete({ location }: UploadSession): Promise<void> {
    // Added as text: the address may be signed as it is.
    const url = new URL(location);
    url.search += `${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(this.digest)}`;
    const answer = await this.#send({ ...this.#common, method: 'PUT', path: url, body: EMPTY, expect: [201, 204] });
    const stored = headerOf(answer, 'docker-content-digest');
    if (stored === undefined || stored === this.digest) return;
    throw new Failure(
      'wrong-digest',
      `Blob ${this.digest}: ${url.host} says that it has stored ${stored}.`,
      'Push it again: something on the way changes what is sent.',
    );
  }

  /** Lets the registry forget an upload that will not be ended; whether it does is its own affair. */
  async cancel(session: UploadSession | null): Promise<void> {
    if (!session) return;
    // Of its own: the upload's signal may have been the reason.
    const signal = AbortSignal.timeout(CANCEL_TIME);
    const request = { ...this.#common, method: 'DELETE', path: session.location, expect: [202, 204], signal } as const;
    try {
      await discard(await this.client.request(request), signal);
    } catch {
      // It forgets uploads by itself after a while.
    }
  }

  async exists(): Promise<boolean> {
    const path = `${this.client.name.path}/blobs/${this.digest}`;
    const answer = await this.#send({ ...this.#common, method: 'HEAD', path, expect: [200, 404] });
    return answer.status === 200;
  }

  async #send(request: RegistryRequest): Promise<Answer> {
    const answer = await this.client.request(request);
    await discard(answer, this.signal);
    return answer;
  }

  #location(answer: Answer, fallback?: URL): URL {
    const location = headerOf(answer, 'location');
    if (location !== undefined) return target(location, answer.url);
    if (fallback) return fallback;
    throw new Failure(
      'registry-answer',
      `Blob ${this.digest}: ${answer.url.host} does not say where it is to be sent.`,
      "Tell the registry's operator: its answer has no Location.",
    );
  }
}

const EMPTY = Buffer.alloc(0);
/** Milliseconds that a cancelled upload may still take. */
const CANCEL_TIME = 2000;

/**
 * The bytes that a registry has by its `Range: 0-LAST`; null where it does not say. `0-0` may be none or one: then it is
 * not known.
 */
export function rangeEnd(answer: Pick<Answer, 'headers'>): number | null {
  const last = /^(?:bytes=)?0-(\d{1,16})$/.exec(headerOf(answer, 'range') ?? '')?.[1];
  return last === undefined || Number(last) === 0 ? null : Number(last) + 1;
}
