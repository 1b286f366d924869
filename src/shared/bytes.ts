// SPDX-License-Identifier: MIT

/**
 * A byte string: every char is one byte (0..255, "latin1"). Linux names and paths are bytes and need not
 * be UTF-8; in this form any of them survives maps, JSON and IPC unchanged. Convert only at the borders:
 * the system calls (`system/`) and the screen (`display`).
 */
export type ByteString = string;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of `text` in UTF-8, as a byte string. */
export function bytesOf(text: string): ByteString {
  let out = '';
  for (const byte of encoder.encode(text)) out += String.fromCharCode(byte);
  return out;
}

/** The text that the bytes spell in UTF-8, or null where they are not UTF-8. */
export function textOf(bytes: ByteString): string | null {
  const raw = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) raw[i] = bytes.charCodeAt(i);
  try {
    return strictDecoder.decode(raw);
  } catch {
    return null;
  }
}

// C0, DEL, C1, line separators, and the marks that change the direction of the text around them.

const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeBytes(text: string): string {
  return Array.from(encoder.encode(text), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

/**
 * What a person is shown for a byte string: its text, with control characters, direction marks and bytes that
 * are not UTF-8 written as `\n`, `\t` or `\xHH`. For the eye only: it cannot be turned back.
 */
export function display(bytes: ByteString): string {
  const text = textOf(bytes);
  const visible = text ?? displayInvalid(bytes);
  return visible.replace(UNSAFE, (char) => {
    if (char === '\n') return '\\n';
    if (char === '\t') return '\\t';
    return escapeBytes(char);
  });
}

/** Decodes the valid UTF-8 runs and escapes the bytes between them. */
function displayInvalid(bytes: ByteString): string {
  let out = '';
  for (let i = 0; i < bytes.length;) {
    const width = sequenceWidth(bytes.charCodeAt(i));
    const text = width > 0 ? textOf(bytes.slice(i, i + width)) : null;
    if (text !== null && i + width <= bytes.length) {
      out += text;
      i += width;
    } else {
      out += `\\x${bytes.charCodeAt(i).toString(16).padStart(2, '0')}`;
      i += 1;
    }
  }
  return out;
}

function sequenceWidth(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}
