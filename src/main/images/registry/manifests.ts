// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { Failure } from '@shared/failure';
import type { SourceRoot } from '../source';
import { digestLike } from './digest';
import { headerOf, type Answer } from './exchange';
import { isSchema1, manifestAccept } from './media-types';
import { plain } from './plain-text';
import type { RegistryClient } from './registry-client';
import { printImageName } from '../image-name';
import { readBody } from './small-body';
import { RegistryRefusal } from './answer-failure';
import { tagPages } from './tags';

/** Bytes of a manifest, an index or a configuration. */
export const MOST_SMALL = 8 << 20;

/**
 * Fetches a manifest or index by tag or digest, with its media type as the registry or it itself says.
 * @throws Failure with both values when its digest is not the one asked for, or not the one that the registry claims
 */
export async function fetchManifest(
  client: RegistryClient,
  reference: string,
  signal: AbortSignal,
): Promise<SourceRoot> {
  const byDigest = reference.includes(':');
  const subject = byDigest
    ? printImageName({ ...client.name, tag: null, digest: reference })
    : printImageName({ ...client.name, tag: reference, digest: null });
  const answer = await client.request({
    method: 'GET',
    path: `${client.name.path}/manifests/${reference}`,
    headers: { accept: manifestAccept, 'accept-encoding': 'identity' },
    scopes: [client.scope('pull')],
    expect: [200],
    subject,
    signal,
  });
  const bytes = await readBody(answer, MOST_SMALL, signal);
  const mediaType = typeOf(answer, bytes);
  if (isSchema1(mediaType)) throw schema1(subject);
  const claimed = headerOf(answer, 'docker-content-digest');
  for (const [digest, who] of [
    [byDigest ? reference : undefined, 'asked for'],
    [claimed, 'claimed'],
  ] as const) {
    if (digest === undefined) continue;
    const actual = digestLike(digest, bytes);
    if (actual !== digest) throw mismatch(subject, client.name.domain, digest, who, actual);
  }
  const digest = byDigest ? reference : `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

/** As `fetchManifest` of the client's own name; where it has no such tag, the hint names some that it has. */
export async function fetchRoot(client: RegistryClient, signal: AbortSignal): Promise<SourceRoot> {
  try {
    return await fetchManifest(client, client.name.digest ?? client.name.tag ?? 'latest', signal);
  } catch (error) {
    if (!(error instanceof RegistryRefusal) || error.word !== 'MANIFEST_UNKNOWN') throw error;
    const tags = await someTags(client, signal);
    if (tags.length === 0) throw error;
    const hint = `It has these tags: ${tags.slice(0, 10).join(', ')}${tags.length > 10 ? ', …' : ''}`;
    throw new RegistryRefusal(error.code, error.message, hint, error.status, error.word);
  }
}

async function someTags(client: RegistryClient, signal: AbortSignal): Promise<readonly string[]> {
  try {
    for await (const page of tagPages(client, signal, 50)) return page.sort();
  } catch {
    signal.throwIfAborted();
  }
  return [];
}

/** The type in the document itself goes before that of the header, which proxies get wrong. */
function typeOf(answer: Answer, bytes: Buffer): string {
  const header = (headerOf(answer, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const json = jsonObject(bytes);
  if (!json) {
    throw new Failure(
      'registry-answer',
      `${answer.url.host} answers with something that is no manifest (${plain(header) || 'no type'}).`,
      'Check that the host is a registry: a login page may have answered.',
    );
  }
  const { mediaType, schemaVersion, manifests } = json;
  if (schemaVersion === 1) return 'application/vnd.docker.distribution.manifest.v1+json';
  if (typeof mediaType === 'string' && mediaType !== '') return plain(mediaType);
  if (header.startsWith('application/vnd.')) return plain(header);
  // OCI lets the type be left out, and some servers say only application/json.
  return Array.isArray(manifests)
    ? 'application/vnd.oci.image.index.v1+json'
    : 'application/vnd.oci.image.manifest.v1+json';
}

function jsonObject(bytes: Buffer): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof json === 'object' && !Array.isArray(json) ? (json as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

function schema1(subject: string): Failure {
  return new Failure(
    'registry-schema1',
    `${subject} is an image of Docker's schema 1, whose layers have no digests that could be checked.`,
    'Have it converted by its owner: docker pull and docker push with a Docker of 2016 or newer do it.',
  );
}

function mismatch(subject: string, host: string, digest: string, who: string, actual: string): Failure {
  return new Failure(
    'wrong-digest',
    `${subject}: ${host} answered with ${actual}, but ${digest} was ${who}.`,
    'Do not use it. Try again: if it stays so, the registry, or something before it, changes what it gives.',
  );
}
