// SPDX-License-Identifier: MIT

const FLAG = { HEADER_CRC: 2, EXTRA: 4, NAME: 8, COMMENT: 16 } as const;

/** Length of the header of a gzip member (RFC 1952, 2.3); null where the bytes at hand do not reach so far. */
export function gzipHeaderLength(bytes: Buffer): number | null {
  if (bytes.length < 10) return null;
  const flags = bytes[3]!;
  let at = 10;
  if ((flags & FLAG.EXTRA) !== 0) {
    if (bytes.length < at + 2) return null;
    at += 2 + bytes.readUInt16LE(at);
  }
  for (const flag of [FLAG.NAME, FLAG.COMMENT]) {
    if ((flags & flag) === 0) continue;
    const end = at > bytes.length ? -1 : bytes.indexOf(0, at);
    if (end === -1) return null;
    at = end + 1;
  }
  if ((flags & FLAG.HEADER_CRC) !== 0) at += 2;
  return at <= bytes.length ? at : null;
}

/** The level of zlib that the header's XFL hints at (RFC 1952, 2.3.1, and what zlib writes). */
export function levelHint(header: Buffer): number {
  if (header[8] === 2) return 9;
  return header[8] === 4 ? 1 : 6;
}
