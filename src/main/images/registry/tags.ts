// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import * as v from 'valibot';
import { headerOf, target } from './exchange';
import type { RegistryClient } from './registry-client';
import { isTag, printImageName } from '../image-name';
import { readBody } from './small-body';

const schema = v.looseObject({ tags: v.optional(v.nullable(v.array(v.string()))) });

const MOST_BYTES = 8 << 20;
/** More than any registry has, with the pages that registries give. */
const MOST_PAGES = 10_000;

/**
 * The tags of the client's repository, page by page in the registry's order (distribution-spec, "Listing Tags").
 * @param size tags that a page is to have; the registry may give fewer, or all at once
 * @throws Failure of a list that leads round in a circle
 */
export async function* tagPages(client: RegistryClient, signal: AbortSignal, size = 1000): AsyncGenerator<string[]> {
  const { path: repository } = client.name;
  const subject = `the tags of ${printImageName({ ...client.name, tag: null, digest: null })}`;
  let path: string | URL = `${repository}/tags/list?n=${size}`;
  const seen = new Set<string>();
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const answer = await client.request({
      method: 'GET',
      path,
      headers: { accept: 'application/json' },
      scopes: [client.scope('pull')],
      expect: [200],
      subject,
      signal,
    });
    const { tags } = parse(await readBody(answer, MOST_BYTES, signal), answer.url.host);
    // What cannot be a tag could not be asked for either.
    yield (tags ?? []).filter(isTag);
    const next = nextPage(headerOf(answer, 'link'));
    if (next === null) return;
    const url = target(next, answer.url);
    if (url.origin !== answer.url.origin || seen.has(url.href)) throw circle(subject, answer.url.host);
    seen.add(url.href);
    path = url;
  }
}

/** The address of `rel="next"` in a `Link` header (RFC 8288); null where there is none. */
export function nextPage(link: string | undefined): string | null {
  if (link === undefined) return null;
  for (const [, address, parameters] of link.matchAll(/<([^<>]*)>((?:\s*;[^,<]*)*)/g)) {
    if (address && /;\s*rel\s*=\s*"?next"?\s*(?:;|$)/i.test(parameters ?? '')) return address;
  }
  return null;
}

function parse(body: Buffer, host: string): v.InferOutput<typeof schema> {
  try {
    return v.parse(schema, JSON.parse(body.toString('utf8')));
  } catch {
    throw new Failure(
      'registry-answer',
      `${host} answers with something that is no list of tags.`,
      'Name the tag yourself.',
    );
  }
}

function circle(subject: string, host: string): Failure {
  return new Failure(
    'registry-answer',
    `${subject}: the pages of ${host} lead round in a circle, or elsewhere.`,
    'Name the tag yourself.',
  );
}
