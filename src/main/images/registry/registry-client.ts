// SPDX-License-Identifier: MIT
import { type Failure } from '@shared/failure';
import type { ImageName } from '../image-name';
import { answerFailure } from './answer-failure';
import { findApiRoot } from './api-root';
import { Authorizer, type Scope } from './authorizer';
import { Connections } from './connections';
import { findCredentials } from './credentials';
import type { Endpoint } from './endpoints';
import { discard, exchange, type Answer, type Exchange } from './exchange';
import { NetworkFault } from './network-fault';
import { defaultRetry, pause, pauseBefore, waitAfter, type RetryPolicy } from './retry';
import type { RegistrySettings } from './settings';
import { readBody } from './small-body';

export interface RegistryRequest {
  readonly method: Exchange['method'];
  /** Below `/v2/`, or the whole address that the registry gave. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Exchange['body'];
  readonly scopes: readonly Scope[];
  /** Statuses that are an answer; all others are failures. */
  readonly expect: readonly number[];
  /** What it is about, for messages. */
  readonly subject: string;
  readonly signal: AbortSignal;
}

/** Speaks to one registry about one repository, as the distribution-spec has it: who we are, what is tried again. */
export class RegistryClient {
  readonly name: ImageName;
  readonly retry: RetryPolicy;
  readonly connections: Connections;
  readonly #insecure: boolean;
  readonly #authorizer: Authorizer;
  #base: URL | null = null;

  /** @param helpers credential helpers of registries.conf */
  constructor(endpoint: Endpoint, settings: RegistrySettings, helpers: readonly string[]) {
    this.name = endpoint.name;
    this.retry = { ...defaultRetry, ...settings.retry };
    this.connections = new Connections(settings);
    this.#insecure = settings.insecure ?? endpoint.insecure;
    const { domain: host, path: repository } = this.name;
    this.#authorizer = new Authorizer(this.connections, this.#insecure, (signal) =>
      findCredentials(host, repository, settings, signal, helpers),
    );
  }

  /** What is known of our credentials, as the end of a hint. */
  get story(): string {
    return this.#authorizer.story;
  }

  async close(): Promise<void> {
    await this.connections.close();
  }

  scope(...actions: readonly string[]): Scope {
    return `repository:${this.name.path}:${actions.join(',')}`;
  }

  /**
   * Sends a request, again when the registry says "later" or the connection breaks, and with a new token when the old one
   * is refused. A stream is sent once.
   * @throws Failure of any status that is not expected, and of a registry that cannot be had
   */
  async request(request: RegistryRequest): Promise<Answer> {
    return this.#take(request, (answer) => Promise.resolve(answer));
  }

  /**
   * As `request`, with the body of an answer that has to fit in memory: one that breaks off is asked for again too.
   * @param most bytes that it may have
   */
  async document(request: RegistryRequest, most: number): Promise<{ answer: Answer; bytes: Buffer }> {
    return this.#take(request, async (answer) => ({ answer, bytes: await readBody(answer, most, request.signal) }));
  }

  async #take<T>(request: RegistryRequest, take: (answer: Answer) => Promise<T>): Promise<T> {
    const { signal, expect, body } = request;
    const once = body !== undefined && !Buffer.isBuffer(body);
    const tries = once ? 1 : this.retry.tries;
    let refused = false;
    for (let tried = 1; ; tried += 1) {
      const last = tried >= tries;
      let answer: Answer;
      let authorization: string | null;
      try {
        ({ answer, authorization } = await this.#send(request));
        if (expect.includes(answer.status)) return await take(answer);
      } catch (error) {
        if (!(error instanceof NetworkFault)) throw error;
        if (once) throw error;
        const passing = error.kind === 'broken' || (error.kind === 'unreachable' && this.#base !== null);
        if (last || !passing) throw error.failure;
        await pause(pauseBefore(tried + 1, this.retry), signal);
        continue;
      }
      if (answer.status === 401 && !refused && this.#challenged(answer, authorization)) {
        refused = true;
        this.#authorizer.forget(request.scopes);
        if (once) throw new StaleToken(await this.#failure(answer, request));
        await discard(answer, signal);
        tried -= 1;
        continue;
      }
      const wait = waitAfter(answer, tried, this.retry);
      if (last || wait === null) throw await this.#failure(answer, request);
      await discard(answer, signal);
      await pause(wait, signal);
    }
  }

  async #send({
    method,
    path,
    headers = {},
    body,
    scopes,
    signal,
  }: RegistryRequest): Promise<{ answer: Answer; authorization: string | null }> {
    const base = await this.#find(signal);
    const url = path instanceof URL ? path : new URL(path, base);
    const ours = url.origin === base.origin;
    const authorization = ours ? await this.#authorizer.header(scopes, base, signal) : null;
    const sent = { method, url, headers, authorization, insecure: this.#insecure, signal };
    const answer = await exchange(this.connections, body === undefined ? sent : { ...sent, body });
    return { answer, authorization };
  }

  /** Whether a refusal comes from the registry itself, and something else than what we showed may do better. */
  #challenged(answer: Answer, authorization: string | null): boolean {
    // The same password once more would only count against us.
    if (answer.url.origin !== this.#base?.origin || authorization?.startsWith('Basic ')) return false;
    return this.#authorizer.learn(answer);
  }

  async #find(signal: AbortSignal): Promise<URL> {
    const { name, connections, retry } = this;
    const search = { name, connections, retry, insecure: this.#insecure, authorizer: this.#authorizer };
    this.#base ??= await findApiRoot(search, signal);
    return this.#base;
  }

  async #failure(answer: Answer, { subject, signal }: Pick<RegistryRequest, 'subject' | 'signal'>): Promise<Failure> {
    return answerFailure(answer, { subject, host: answer.url.host, credentials: this.story }, signal);
  }
}

/** A stream was refused for its token alone: sent again, it gets a new one. */
export class StaleToken extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}
