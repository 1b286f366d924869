// SPDX-License-Identifier: MIT
import type { Digest } from '@shared/images';

/** A repository of a registry and, of its images, the one that is meant. */
export interface RegistryName {
  /** `HOST[:PORT]` as references spell it: `docker.io`, not the machine that answers for it. */
  readonly host: string;
  /** `library/debian` */
  readonly repository: string;
  readonly tag: string | null;
  readonly digest: Digest | null;
}

/** `HOST/REPOSITORY[:TAG][@DIGEST]` */
export function fullName({ host, repository, tag, digest }: RegistryName): string {
  return `${host}/${repository}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`;
}

/** What a manifest is asked by: the digest where there is one, else the tag, else `latest`. */
export function manifestReference({ tag, digest }: RegistryName): string {
  return digest ?? tag ?? 'latest';
}

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,128}$/;

/** Whether `text` can be a tag (distribution-spec, "Pulling manifests"). */
export const isTag = (text: string): boolean => TAG.test(text);

/**
 * Reads `HOST/REPOSITORY[:TAG][@DIGEST]`, in which nothing is left out. Null where it is none.
 * Its grammar is that of the distribution-spec; short names are not for here.
 */
export function parseFullName(text: string): RegistryName | null {
  const [named = '', digest = null, ...more] = text.split('@');
  const slash = named.indexOf('/');
  if (slash < 0 || more.length > 0 || (digest !== null && !DIGEST.test(digest))) return null;
  const host = named.slice(0, slash);
  const rest = named.slice(slash + 1);
  const colon = rest.indexOf(':');
  const repository = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? null : rest.slice(colon + 1);
  if (!HOST.test(host) || !REPOSITORY.test(repository) || (tag !== null && !isTag(tag))) return null;
  return { host, repository, tag, digest };
}
