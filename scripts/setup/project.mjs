// SPDX-License-Identifier: MIT
// Where the project and its caches are.
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** The work tree. */
export const projectRoot = resolve(import.meta.dirname, '../..');

/** What is fetched once for all work trees: outside them, so that a fresh clone need not fetch it again. */
export function cacheRoot(environment = process.env) {
  const configured = environment.XDG_CACHE_HOME;
  // The XDG rules say that a relative path is to be ignored.
  const base = configured && isAbsolute(configured) ? configured : join(homedir(), '.cache');
  return join(base, 'lamina');
}
