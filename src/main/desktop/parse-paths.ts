// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { bytesOf } from '@shared/bytes';

/**
 * The absolute paths in text that somebody pasted or typed: one a line, plain, quoted, `~/…`, or as file:// URIs
 * (what file managers put on the clipboard). Everything else is passed over.
 */
export function parsePaths(text: string, home: string): ByteString[] {
  const found = text
    .split(/\r?\n/)
    .map((line) => pathOfLine(line.trim(), home))
    .filter((path): path is string => path !== null && path.length <= 8192 && !path.includes('\0'));
  return [...new Set(found)];
}

function pathOfLine(line: string, home: string): ByteString | null {
  const quoted = /^(['"])(.*)\1$/.exec(line);
  const plain = quoted?.[2] ?? line;
  if (plain.startsWith('file://')) return pathOfUri(plain);
  if (plain === '~' || plain.startsWith('~/')) return normalize(bytesOf(home + plain.slice(1)));
  return plain.startsWith('/') ? normalize(bytesOf(plain)) : null;
}

/** Percent signs spell bytes, not characters, so a name that is not UTF-8 comes through. */
function pathOfUri(uri: string): ByteString | null {
  const path = /^file:\/\/(?:localhost)?(\/[^?#]*)/.exec(uri)?.[1];
  if (path === undefined) return null;
  const bytes = bytesOf(path).replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  );
  return normalize(bytes);
}

/** `//a/./b/` → `/a/b`. `..` stays: across a symlink it means something else. */
function normalize(path: ByteString): ByteString {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return `/${parts.join('/')}`;
}
