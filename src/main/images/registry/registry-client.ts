// SPDX-License-Identifier: MIT
import { type Failure } from '@shared/failure';
import { answerFailure } from './answer-failure';
import { Authorizer, type Scope } from './authorizer';
import { parseChallenges } from './challenges';
import { Connections } from './connections';
import { findCredentials } from './credentials';
import type { Endpoint } from './endpoints';
import { discard, exchange, headerOf, type Answer, type Exchange } from './exchange';
import { NetworkFault } from './network-fault';
import { printImageName, type ImageName } from '../image-name';
import { defaultRetry, isPassing, pause, pauseBefore, retryAfter, type RetryPolicy } from './retry';
import type { RegistrySettings } from './settings';

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

  get insecure(): boolean {
    return this.#insecure;
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
      } catch (error) {
        if (!(error instanceof NetworkFault)) throw error;
        if (once) throw error;
        const passing = error.kind === 'broken' || (error.kind === 'unreachable' && this.#base !== null);
        if (last || !passing) throw error.failure;
        await pause(pauseBefore(tried + 1, this.retry), signal);
        continue;
      }
      if (expect.includes(answer.status)) return answer;
      if (answer.status === 401 && !refused && this.#challenged(answer, authorization)) {
        refused = true;
        this.#authorizer.forget(request.scopes);
        if (once) throw new StaleToken(await this.#failure(answer, request));
        await discard(answer, signal);
        tried -= 1;
        continue;
      }
      const wait = this.#wait(answer, tried);
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

  /** Milliseconds after which an answer is worth another try; null where it is not. */
  #wait(answer: Answer, tried: number): number | null {
    if (!isPassing(answer.status)) return null;
    const asked = retryAfter(headerOf(answer, 'retry-after'), Date.now());
    if (asked !== null && asked > this.retry.longestRetryAfter) return null;
    return Math.max(asked ?? 0, pauseBefore(tried + 1, this.retry));
  }

  /** Whether a refusal comes from the registry itself, and something else than what we showed may do better. */
  #challenged(answer: Answer, authorization: string | null): boolean {
    // The same password once more would only count against us.
    if (answer.url.origin !== this.#base?.origin || authorization?.startsWith('Basic ')) return false;
    const challenges = challengesOf(answer);
    this.#authorizer.learn(challenges);
    return challenges.length > 0;
  }

  /** The registry's address, found by asking it whether it is one (distribution-spec, "Determining Support"). */
  async #find(signal: AbortSignal): Promise<URL> {
    if (this.#base) return this.#base;
    const host = this.name.domain === 'docker.io' ? 'registry-1.docker.io' : this.name.domain;
    const [first, ...others] = this.#insecure ? ['https', 'http'] : ['https'];
    try {
      this.#base = await this.#ping(new URL(`${first}://${host}/v2/`), signal);
    } catch (error) {
      if (!(error instanceof NetworkFault) || error.kind === 'certificate' || others.length === 0) throw error;
      this.#base = await this.#ping(new URL(`${others[0]}://${host}/v2/`), signal);
    }
    return this.#base;
  }

  async #ping(url: URL, signal: AbortSignal): Promise<URL> {
    const { connections, insecure } = this;
    for (let tried = 1; ; tried += 1) {
      const answer = await exchange(connections, {
        method: 'GET',
        url,
        headers: {},
        authorization: null,
        insecure,
        signal,
      });
      const { status } = answer;
      if (status === 200 || status === 401) {
        this.#authorizer.learn(challengesOf(answer));
        await discard(answer, signal);
        return url;
      }
      const wait = this.#wait(answer, tried);
      const request = { subject: printImageName(this.name), signal };
      if (tried >= this.retry.tries || wait === null) throw await this.#failure(answer, request);
      await discard(answer, signal);
      await pause(wait, signal);
    }
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

function challengesOf({ headers }: Answer): ReturnType<typeof parseChallenges> {
  const values = headers['www-authenticate'] ?? [];
  return parseChallenges(Array.isArray(values) ? values : [values]);
}
