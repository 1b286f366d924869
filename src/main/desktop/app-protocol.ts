// SPDX-License-Identifier: MIT
import { protocol } from 'electron';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { APP_SCHEME, assetPath } from './asset-path';
import { CONTENT_POLICY } from './content-policy';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** Must run before the app is ready: a standard, secure scheme gets an origin, storage and module scripts. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([{ scheme: APP_SCHEME, privileges: { standard: true, secure: true } }]);
}

/** Serves the built renderer, and nothing else, under `app://bundle/`. */
export function serveApp(root: string): void {
  protocol.handle(APP_SCHEME, async (request) => {
    const file = request.method === 'GET' ? assetPath(root, request.url) : null;
    const type = file ? TYPES[extname(file)] : undefined;
    const headers = { 'content-security-policy': CONTENT_POLICY, 'x-content-type-options': 'nosniff' };
    if (!file || !type) return new Response('Not found', { status: 404, headers });
    return new Response(new Uint8Array(await readFile(file)), { headers: { ...headers, 'content-type': type } });
  });
}
