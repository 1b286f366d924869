// SPDX-License-Identifier: MIT

/** Bytes on a line. */
export const HEX_LINE = 16;

/**
 * Bytes for the eye, as lines of `offset  hex  ascii`.
 * @param start the offset of the first byte
 */
export function hexLines(bytes: Buffer, start = 0): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += HEX_LINE) {
    const line = bytes.subarray(at, at + HEX_LINE);
    const hex = Array.from(line, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const ascii = Array.from(line, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${(start + at).toString(16).padStart(8, '0')}  ${hex.padEnd(HEX_LINE * 3 - 1)}  ${ascii}`);
  }
  return lines.join('\n');
}
