// SPDX-License-Identifier: MIT
import { display, textOf, type ByteString } from '@shared/bytes';

const hex = (bytes: ByteString): string => Buffer.from(bytes, 'latin1').toString('hex');
const DIGESTS: Readonly<Record<number, string>> = { 0: 'no digest', 1: 'SHA-256', 2: 'SHA-512' };

/** `overlay.metacopy` in words (semantics 1.4). */
function decodeMetacopy(value: ByteString): string {
  if (value.length === 0) return 'metacopy, no digest';
  if (value.length < 4) return `damaged: ${value.length} bytes (${hex(value)}); the kernel gives EIO`;
  const [version, length, flags, algorithm] = Buffer.from(value, 'latin1');
  const digest = DIGESTS[algorithm!] ?? `algorithm ${algorithm}`;
  const odd =
    version !== 0 || length !== value.length || flags !== 0
      ? ` (version ${version}, length ${length}, flags ${flags})`
      : '';
  return `${digest}${value.length > 4 ? ` ${hex(value.slice(4))}` : ''}${odd}`;
}

/** `overlay.origin` and `overlay.upper`: a file handle (semantics 1.5). */
function decodeHandle(value: ByteString): string {
  if (value.length === 0) return 'copied up, origin unknown';
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < 21 || bytes[1] !== 0xfb || bytes[2] !== bytes.length) return `invalid: ${hex(value)}`;
  const id = bytes
    .subarray(5, 21)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return `file handle type 0x${bytes[4]!.toString(16)}, file system ${id}, fid ${bytes.subarray(21).toString('hex')}`;
}

const DECODERS: Readonly<Record<string, (value: ByteString) => string>> = {
  metacopy: decodeMetacopy,
  origin: decodeHandle,
  upper: decodeHandle,
  uuid: hex,
};

/**
 * The value of an attribute for a person: known overlay values in words, other text as text, the rest in hex.
 * @param name as stored
 */
export function decodeXattr(name: ByteString, value: ByteString): string {
  const known = /^(?:trusted|user)\.overlay\.([a-z]+)$/.exec(name)?.[1];
  const decoder = known === undefined ? undefined : DECODERS[known];
  if (decoder) return decoder(value);
  const text = textOf(value);

  return text !== null && !/[\u0000-\u0008\u000e-\u001f]/.test(text) ? display(value) : `0x${hex(value)}`;
}
