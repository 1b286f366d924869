// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';

/** A path as one item of `lowerdir=`: `\`, `:` and `,` escaped (semantics 5.5, mount(2) row). */
export function escapeLower(path: ByteString): ByteString {
  return path.replace(/[\\:,]/g, '\\$&');
}

/** A path as the value of `upperdir=` or `workdir=`: `\` and `,` escaped; a colon means nothing there (5.5). */
export function escapeDir(path: ByteString): ByteString {
  return path.replace(/[\\,]/g, '\\$&');
}

/** What the kernel does to `lowerdir`, `upperdir` and `workdir`: `\x` becomes `x`, a lone `\` at the end nothing. */
export function unescapeDir(value: ByteString): ByteString {
  return value.replace(/\\([^]?)/g, '$1');
}

/**
 * The same directory under a name that ends neither in a backslash nor in a blank. mount(8) takes every comma after a
 * backslash for an escaped one, also after `\\`; `lowerdir+=` has no escapes at all; systemd strips blanks at the end
 * of a line. A trailing slash is harmless to all of them.
 */
export function withPlainEnd(path: ByteString): ByteString {
  return /[\\ \t\r\n]$/.test(path) ? `${path}/` : path;
}
