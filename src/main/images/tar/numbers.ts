// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { badTar } from './tar-error';

const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;

/**
 * A numeric field of a header: octal digits with spaces before and a space or NUL behind (POSIX pax, "ustar Interchange
 * Format"), or, with the first bit set, base 256 as GNU tar writes it, negative ones in two's complement.
 * An empty field is 0.
 */
export function headerNumber(block: Uint8Array, at: number, length: number, field: string): number {
  const first = block[at]!;
  if ((first & 0x80) !== 0) return base256(block, at, length, field);
  let i = at;
  const end = at + length;
  while (i < end && (block[i] === SPACE || block[i] === 0)) i++;
  let value = 0;
  for (; i < end; i++) {
    const byte = block[i]!;
    if (byte === SPACE || byte === 0) break;
    if (byte < ZERO || byte > SEVEN) badTar(`its field "${field}" is no octal number`);
    value = value * 8 + (byte - ZERO);
  }
  for (; i < end; i++) if (block[i] !== SPACE && block[i] !== 0) badTar(`its field "${field}" is no octal number`);
  return value;
}

function base256(block: Uint8Array, at: number, length: number, field: string): number {
  const negative = (block[at]! & 0x40) !== 0;
  let value = negative ? (block[at]! & 0x7f) - 0x80 : block[at]! & 0x3f;
  for (let i = at + 1; i < at + length; i++) value = value * 256 + block[i]!;
  if (!Number.isSafeInteger(value)) badTar(`its field "${field}" is too large`);
  return value;
}

/** A whole number of a PAX record, in decimal. */
export function paxNumber(text: ByteString, field: string): number {
  if (!/^-?\d{1,16}$/.test(text)) badTar(`its PAX record "${field}" is no number`);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) badTar(`its PAX record "${field}" is too large`);
  return value;
}

/** A time: whole seconds since the epoch, rounded down, and the nanoseconds behind them. */
export interface TarTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** A time of a PAX record: decimal seconds with a fraction, cut to nanoseconds. `-1.5` is 500 ms before -1. */
export function paxTime(text: ByteString, field: string): TarTime {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (!match) return badTar(`its PAX record "${field}" is no time`);
  const seconds = Number(match[2]);
  const nanoseconds = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (match[1] === '') return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: -seconds || 0, nanoseconds: 0 }
    : { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}
