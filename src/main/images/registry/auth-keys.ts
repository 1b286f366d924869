// SPDX-License-Identifier: MIT

/** Docker Hub's names: references say `docker.io`, `docker login` writes the address of its first API. */
const HUB = 'docker.io';
const HUB_NAMES = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** Keys that stand for a repository, the most exact first: `h/a/b`, `h/a`, `h` (containers-auth.json(5)). */
export function keysOf(host: string, repository: string): string[] {
  const keys: string[] = [];
  for (let key = `${host}/${repository}`; key !== host; key = key.slice(0, key.lastIndexOf('/'))) keys.push(key);
  return [...keys, host];
}

/** The host that a key of an auth file means, or null of a namespace. Docker wrote addresses (`https://HOST/v1/`). */
export function hostOfKey(key: string, legacy: boolean): string | null {
  const bare = key.replace(/^https?:\/\//, '');
  if (!legacy && bare === key) return key.includes('/') ? null : sameHub(key);
  return sameHub(bare.split('/', 1)[0] ?? '');
}

/**
 * The entry for a repository among those with these keys: the longest namespace that has one, then the host however it
 * is spelled. Null where none is for it.
 */
export function matchingKey(keys: Iterable<string>, host: string, repository: string, legacy: boolean): string | null {
  const present = new Set(keys);
  const wanted = legacy ? [host] : keysOf(host, repository);
  const exact = wanted.find((key) => present.has(key));
  if (exact !== undefined) return exact;
  for (const key of present) if (hostOfKey(key, legacy) === sameHub(host)) return key;
  return null;
}

/** The names by which a helper may know a host. */
export function helperNames(host: string): string[] {
  return sameHub(host) === HUB ? ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io'] : [host];
}

function sameHub(host: string): string {
  return HUB_NAMES.has(host) ? HUB : host;
}
