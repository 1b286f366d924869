// SPDX-License-Identifier: MIT
import type { Challenge } from './challenges';
import type { Connections } from './connections';
import type { FoundCredentials } from './credentials';
import { basic, fetchToken, type Token } from './tokens';

/** What a request must be allowed: `repository:library/debian:pull`. */
export type Scope = string;

/** Says who we are to one registry, and keeps the tokens that it was given, one for each set of scopes. */
export class Authorizer {
  #challenges: readonly Challenge[] = [];
  readonly #tokens = new Map<string, Token>();
  #found: FoundCredentials | null = null;

  /** @param find looks for our credentials; asked once, and only when the registry wants some */
  constructor(
    private readonly connections: Connections,
    private readonly insecure: boolean,
    private readonly find: (signal: AbortSignal) => Promise<FoundCredentials>,
  ) {}

  /** Takes note of what the registry asked for. */
  learn(challenges: readonly Challenge[]): void {
    if (challenges.some(({ scheme }) => scheme === 'bearer' || scheme === 'basic')) this.#challenges = challenges;
  }

  /** The value of `Authorization` for these scopes, or null. @throws Failure of a token server that refuses */
  async header(scopes: readonly Scope[], registry: URL, signal: AbortSignal): Promise<string | null> {
    const bearer = this.#challenges.find(({ scheme }) => scheme === 'bearer');
    if (bearer) return this.#bearer(bearer, scopes, registry, signal);
    if (!this.#challenges.some(({ scheme }) => scheme === 'basic')) return null;
    const { proof } = await this.#credentials(signal);
    return proof?.basic ? basic(proof.basic) : null;
  }

  /** Forgets a token that was refused. */
  forget(scopes: readonly Scope[]): void {
    this.#tokens.delete(keyOf(scopes));
  }

  /** What of our credentials is worth telling: where they were found, or where they were looked for. */
  get story(): string {
    if (!this.#found) return 'No credentials were asked for.';
    const { proof, origin, looked } = this.#found;
    if (proof) return `The credentials were those of ${origin}.`;
    return `No credentials were found in ${looked.join(', ')}.`;
  }

  async #bearer(challenge: Challenge, scopes: readonly Scope[], registry: URL, signal: AbortSignal): Promise<string> {
    const { proof } = await this.#credentials(signal);
    if (proof?.registryToken) return `Bearer ${proof.registryToken}`;
    const key = keyOf(scopes);
    const known = this.#tokens.get(key);
    if (known && known.until > Date.now()) return `Bearer ${known.text}`;
    const { insecure, story } = this;
    const token = await fetchToken(
      this.connections,
      { challenge, scopes, proof, registry, insecure, credentials: story },
      signal,
    );
    this.#tokens.set(key, token);
    return `Bearer ${token.text}`;
  }

  async #credentials(signal: AbortSignal): Promise<FoundCredentials> {
    this.#found ??= await this.find(signal);
    return this.#found;
  }
}

function keyOf(scopes: readonly Scope[]): string {
  return [...scopes].sort().join(' ');
}
