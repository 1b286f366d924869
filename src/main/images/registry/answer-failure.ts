// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import * as v from 'valibot';
import { headerOf, type Answer } from './exchange';
import { plain } from './plain-text';
import { retryAfter } from './retry';
import { readBody } from './small-body';

const schema = v.looseObject({
  errors: v.array(v.looseObject({ code: v.optional(v.string(), ''), message: v.optional(v.string(), '') })),
});

/** What a registry's refusal is about. */
export interface Asked {
  /** `docker.io/library/debian:12`, `blob sha256:… of …` */
  readonly subject: string;
  readonly host: string;
  /** What is known of our credentials, as the end of a hint. */
  readonly credentials: string;
}

/** A refusal, with the registry's own word for it beside Lamina's. */
export class RegistryRefusal extends Failure {
  constructor(
    code: string,
    message: string,
    hint: string,
    readonly status: number,
    /** `BLOB_UNKNOWN` and the like; empty where the registry gave none. */
    readonly word: string,
    /** Milliseconds that it asks to wait; null where it does not say. */
    readonly wait: number | null = null,
  ) {
    super(code, message, hint);
  }
}

const MOST_BYTES = 64 * 1024;

/**
 * What an answer that was not hoped for says, in words: the registry's error document (distribution-spec, "Error Codes")
 * where it has one. Reads the answer.
 */
export async function answerFailure(answer: Answer, asked: Asked, signal: AbortSignal): Promise<RegistryRefusal> {
  const { status } = answer;
  const errors = await errorsOf(answer, signal);
  const word = errors.find(({ code }) => /^[A-Z_]{1,64}$/.test(code))?.code ?? '';
  const said = errors.map(({ code, message }) => plain([code, message].filter(Boolean).join(': '))).slice(0, 3);
  const [code, reason, hint] = meaning(status, word, asked, answer);
  const quote = said.length === 0 ? `HTTP ${status}` : said.join('; ');
  const wait = retryAfter(headerOf(answer, 'retry-after'), Date.now());
  return new RegistryRefusal(code, `${asked.subject}: ${reason} (${quote}).`, hint, status, word, wait);
}

async function errorsOf(answer: Answer, signal: AbortSignal): Promise<{ code: string; message: string }[]> {
  try {
    const body = await readBody(answer, MOST_BYTES, signal, 15_000);
    return v.parse(schema, JSON.parse(body.toString('utf8'))).errors;
  } catch {
    signal.throwIfAborted();
    return [];
  }
}

function meaning(status: number, word: string, { host, credentials }: Asked, answer: Answer): [string, string, string] {
  if (status === 401) {
    return ['registry-unauthorized', `${host} wants other credentials`, `${credentials} Log in: skopeo login ${host}`];
  }
  if (status === 403 || word === 'DENIED') {
    return ['registry-denied', `${host} does not allow it`, `${credentials} Ask for access, or check the name.`];
  }
  if (status === 429 || word === 'TOOMANYREQUESTS') {
    const wait = headerOf(answer, 'retry-after');
    const when = wait === undefined ? 'later' : `after ${plain(wait, 40)}${/^\d+$/.test(wait) ? ' s' : ''}`;
    return [
      'registry-too-many-requests',
      `${host} has had too many requests from here`,
      `Try again ${when}; with an account the limit is often higher. ${credentials}`,
    ];
  }
  if (word === 'NAME_UNKNOWN') {
    return ['registry-not-found', `${host} has no such repository`, `Check the name. ${credentials}`];
  }
  if (word === 'MANIFEST_UNKNOWN') return ['registry-not-found', `${host} has no such image`, 'Check tag and digest.'];
  if (word === 'BLOB_UNKNOWN' || word === 'MANIFEST_BLOB_UNKNOWN') {
    return ['registry-not-found', `${host} does not have a blob`, 'Push it again: the registry has lost a part of it.'];
  }
  if (status === 404) return ['registry-not-found', `${host} does not have it`, `Check the name. ${credentials}`];
  if (status === 413)
    return ['registry-too-large', `${host} takes no request of this size`, 'Its limit must be raised.'];
  if (word === 'DIGEST_INVALID' || word === 'SIZE_INVALID') {
    return ['registry-wrong-digest', `what arrived at ${host} is not what it was to be`, 'Push it again.'];
  }
  if (word === 'UNSUPPORTED' || status === 405) {
    return ['registry-unsupported', `${host} cannot do this`, 'It may be read-only, or a mirror.'];
  }
  if (status >= 500) return ['registry-error', `${host} has a fault of its own`, 'Try again later.'];
  return ['registry-error', `${host} refuses it`, `Check that ${host} is a registry and that the name is right.`];
}
