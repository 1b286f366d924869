// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import * as v from 'valibot';
import { answerFailure } from './answer-failure';
import type { Challenge } from './challenges';
import type { Connections } from './connections';
import type { Proof } from './credentials';
import { exchange, refusePlainHttp } from './exchange';
import { plain } from './plain-text';
import { readBody } from './small-body';

export interface Token {
  readonly text: string;
  /** Milliseconds of the epoch, after which it is not used any more. */
  readonly until: number;
}

export interface TokenRequest {
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly proof: Proof | null;
  /** The registry that the token is for, and how it is spoken to. */
  readonly registry: URL;
  readonly insecure: boolean;
  /** What is known of our credentials, for messages. */
  readonly credentials: string;
}

const schema = v.looseObject({
  token: v.optional(v.nullable(v.string())),
  access_token: v.optional(v.nullable(v.string())),
  expires_in: v.optional(v.nullable(v.number())),
});

// What may stand in a header (RFC 6750, 2.1), and is wide enough for tokens that are not quite of that form.
const TOKEN = /^[\x21-\x7e]{1,16384}$/;
const MOST_BYTES = 1 << 20;
/** Seconds that a token lives where its server does not say (distribution, "Token Authentication Specification"). */
const DEFAULT_LIFE = 60;

/**
 * Asks the server that a registry names for a token: with an identity token by OAuth 2, else by GET, with our name and
 * password where there are some.
 * @throws Failure when that server refuses, or answers nonsense
 */
export async function fetchToken(
  connections: Connections,
  { challenge, scopes, proof, registry, insecure, credentials }: TokenRequest,
  signal: AbortSignal,
): Promise<Token> {
  const realm = realmOf(challenge, registry);
  refusePlainHttp(realm, insecure, registry);
  const service = challenge.parameters.get('service') ?? '';
  const identity = proof?.identityToken ?? null;
  const url = new URL(realm);
  const form = new URLSearchParams();
  const target = identity === null ? url.searchParams : form;
  if (service !== '') target.set('service', service);
  // Several scopes are several parameters by GET, and one list by POST.
  if (identity === null) for (const scope of scopes) target.append('scope', scope);
  else if (scopes.length > 0) target.set('scope', scopes.join(' '));
  if (identity !== null) {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', identity);
    form.set('client_id', 'lamina');
  } else if (proof?.basic) target.set('account', proof.basic.username);
  const answer = await exchange(connections, {
    method: identity === null ? 'GET' : 'POST',
    url,
    headers: identity === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' },
    authorization: identity === null && proof?.basic ? basic(proof.basic) : null,
    ...(identity === null ? {} : { body: Buffer.from(form.toString()) }),
    insecure,
    signal,
  });
  if (answer.status !== 200) {
    const asked = { subject: `A token for ${registry.host}`, host: url.host, credentials };
    throw await answerFailure(answer, asked, signal);
  }
  return read(await readBody(answer, MOST_BYTES, signal, 60_000), url);
}

/** The header for a name and password (RFC 7617). */
export function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function read(body: Buffer, { host }: URL): Token {
  let answer: v.InferOutput<typeof schema>;
  try {
    answer = v.parse(schema, JSON.parse(body.toString('utf8')));
  } catch {
    throw nonsense(host, 'the answer is not the JSON of a token');
  }
  const text = answer.token || answer.access_token || '';
  if (!TOKEN.test(text))
    throw nonsense(host, text === '' ? 'the answer has no token' : 'the token has impossible characters');
  const life = Math.min(Math.max(answer.expires_in ?? DEFAULT_LIFE, 0), 86_400);
  // A tenth earlier, so that none ends on its way; counted from here, as clocks differ.
  return { text, until: Date.now() + life * 900 };
}

function realmOf(challenge: Challenge, registry: URL): URL {
  const realm = challenge.parameters.get('realm') ?? '';
  const url = URL.canParse(realm) ? new URL(realm) : null;
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url;
  throw nonsense(registry.host, `"${plain(realm)}" is no address of a token server`);
}

function nonsense(host: string, reason: string): Failure {
  return new Failure('registry-answer', `No token from ${host}: ${reason}.`, "Tell the registry's operator.");
}
