// SPDX-License-Identifier: MIT
import { realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Where the window's page lives. A scheme of our own: `file:` would hand the page the whole disk. */
export const APP_SCHEME = 'app';
export const APP_HOST = 'bundle';
export const APP_ORIGIN = `${APP_SCHEME}://${APP_HOST}`;

/**
 * The file of the bundle that `url` names, or null. Symlinks are resolved before the check, so that neither `..`
 * in any spelling nor a link leads out of `root`.
 */
export function assetPath(root: string, url: string): string | null {
  let pathname: string;
  try {
    const parsed = new URL(url);
    if (parsed.protocol !== `${APP_SCHEME}:` || parsed.host !== APP_HOST) return null;
    pathname = decodeURIComponent(parsed.pathname);
  } catch {
    return null;
  }
  if (pathname.includes('\0') || pathname.includes('//') || pathname.split('/').includes('..')) return null;
  const wanted = join(root, pathname === '/' ? 'index.html' : pathname);
  try {
    const base = realpathSync(root);
    const real = realpathSync(wanted);
    return real.startsWith(base + sep) && statSync(real).isFile() ? real : null;
  } catch {
    return null;
  }
}
