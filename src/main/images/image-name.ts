// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';

/** Name of an image in a registry: what Docker calls a reference (distribution/reference, "Grammar"). */
export interface ImageName {
  /** Registry host with its port: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** Repository: `library/debian`. */
  readonly path: string;
  readonly tag: string | null;
  readonly digest: Digest | null;
}

const DOMAIN_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = new RegExp(`^(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH_PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const PATH = new RegExp(`^${PATH_PART}(?:/${PATH_PART})*$`);
const TAG = /^[\w][\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]{32,}$/;
const HEX_ID = /^[a-f0-9]{64}$/;
const MAX_NAME = 255;

const DOCKER_HUB = 'docker.io';

/** Whether a text names no registry, so that which one is meant would have to be guessed. */
export const isShortName = (text: string): boolean => splitDomain(text.split('@')[0]!).domain === null;

/**
 * Reads a name as Docker does: without a registry it is docker.io's, there without a folder it is `library`'s.
 * A tag is not added: `withDefaultTag` does that.
 * @throws Failure `invalid-reference` that says what is wrong with it
 */
export function parseImageName(text: string): ImageName {
  const [front = '', digest, ...more] = text.split('@');
  if (more.length > 0) throw invalid(text, 'it has more than one “@”');
  if (digest !== undefined && !isDigest(digest)) throw invalid(text, `“${digest}” is not a digest`);
  const { domain, rest } = splitDomain(front);
  const colon = rest.lastIndexOf(':');
  const tag = colon < 0 ? null : rest.slice(colon + 1);
  const path = colon < 0 ? rest : rest.slice(0, colon);
  if (tag !== null && !TAG.test(tag)) throw invalid(text, `“${tag}” is not a tag`);
  if (!PATH.test(path)) throw invalid(text, path === '' ? 'it names no repository' : `“${path}” is not a repository`);
  if (domain !== null && !DOMAIN.test(domain)) throw invalid(text, `“${domain}” is not a registry`);
  if (domain === null && HEX_ID.test(path)) throw invalid(text, 'it is the id of an image, not a name');
  const host = domain === null || domain === 'index.docker.io' ? DOCKER_HUB : domain;
  const full = host === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path;
  if (`${host}/${full}`.length > MAX_NAME) throw invalid(text, `it is longer than ${MAX_NAME} characters`);
  return { domain: host, path: full, tag, digest: digest ?? null };
}

/** What a first component must look like to be a registry: all else is a folder on docker.io. */
function splitDomain(text: string): { domain: string | null; rest: string } {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const isDomain = /[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  return isDomain ? { domain: first, rest: text.slice(slash + 1) } : { domain: null, rest: text };
}

/** `ALGORITHM:ENCODED` (OCI image-spec, descriptor.md "Digests"). */
export const isDigest = (text: string): boolean => DIGEST.test(text);

/** Whether a text may stand behind the colon of a name. */
export const isTag = (text: string): boolean => TAG.test(text);

/** The name with `latest`, where it has neither tag nor digest. */
export const withDefaultTag = (name: ImageName): ImageName =>
  name.tag === null && name.digest === null ? { ...name, tag: 'latest' } : name;

/** The full text of a name: `docker.io/library/debian:12`. */
export function printImageName({ domain, path, tag, digest }: ImageName): string {
  return `${domain}/${path}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
}

/** A text as a full name with a tag, or null where it cannot be a name. */
export function fullNameOf(text: string): string | null {
  try {
    return printImageName(withDefaultTag(parseImageName(text)));
  } catch {
    return null;
  }
}

function invalid(text: string, reason: string): Failure {
  return new Failure(
    'invalid-reference',
    `“${text}” is not the name of an image: ${reason}.`,
    'Write REGISTRY/REPOSITORY:TAG in lower case, as in docker.io/library/debian:12.',
  );
}
