// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { headerNumber } from './numbers';
import { badTar } from './tar-error';

/** Bytes of a block: a tar is a row of them. */
export const BLOCK = 512;

/** Bytes that fill the last block of so many bytes. */
export const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

/** Values of the type field (POSIX pax; GNU tar's manual, "Basic Tar Format"). */
export const TYPE = {
  file: '0',
  oldFile: '\0',
  hardLink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
  contiguous: '7',
  globalHeader: 'g',
  header: 'x',
  solarisHeader: 'X',
  longName: 'L',
  longLink: 'K',
  sparse: 'S',
  volumeLabel: 'V',
} as const;

/** The fields of one header block, before extended headers change them. */
export interface Header {
  readonly type: string;
  readonly name: ByteString;
  readonly linkName: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes that the archive stores; may be negative in a broken tar. */
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Seconds since the epoch; null where the format has none. */
  readonly atime: number | null;
  readonly major: number;
  readonly minor: number;
  readonly format: 'v7' | 'ustar' | 'gnu';
}

const MAGIC_AT = 257;
const CHECKSUM_AT = 148;
const PREFIX_AT = 345;

/** A text field: its bytes up to the first NUL. */
function text(block: Buffer, at: number, length: number): ByteString {
  const end = block.indexOf(0, at);
  return block.toString('latin1', at, end === -1 || end > at + length ? at + length : end);
}

/** Whether a block is one of the zero blocks at the end of an archive. */
export function isZero(block: Buffer): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false;
  return true;
}

/** The name in a block, without its prefix: for messages about a block that cannot be read. */
export const plainName = (block: Buffer): ByteString => text(block, 0, 100);

/**
 * Reads a header block whose sum was checked: v7, ustar (with its prefix), GNU, and star's variant of ustar.
 * @throws TarError where a number is wrong
 */
export function parseHeader(block: Buffer): Header {
  const magic = block.toString('latin1', MAGIC_AT, MAGIC_AT + 8);
  const format = magic === 'ustar  \0' ? 'gnu' : magic.startsWith('ustar') ? 'ustar' : 'v7';
  const name = text(block, 0, 100);
  const prefix = format === 'ustar' ? text(block, PREFIX_AT, prefixLength(block)) : '';
  const hasDevice = format !== 'v7';
  return {
    type: String.fromCharCode(block[156]!),
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    mode: headerNumber(block, 100, 8, 'mode'),
    uid: headerNumber(block, 108, 8, 'uid'),
    gid: headerNumber(block, 116, 8, 'gid'),
    size: headerNumber(block, 124, 12, 'size'),
    mtime: headerNumber(block, 136, 12, 'mtime'),
    atime: format === 'gnu' && block[PREFIX_AT] !== 0 ? headerNumber(block, PREFIX_AT, 12, 'atime') : null,
    major: hasDevice ? headerNumber(block, 329, 8, 'devmajor') : 0,
    minor: hasDevice ? headerNumber(block, 337, 8, 'devminor') : 0,
    format,
  };
}

/** star keeps times in the last 24 bytes of the prefix, and says so at the end of the block (star(5)). */
const prefixLength = (block: Buffer): number => (block.toString('latin1', 508, 512) === 'tar\0' ? 131 : 155);

/**
 * Compares the sum of all bytes, the field itself counted as spaces, with the one stored. Old tars summed signed chars.
 * @throws TarError
 */
export function checkSum(block: Buffer): void {
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let i = 0; i < BLOCK; i++) {
    if (i === CHECKSUM_AT) i += 8;
    const byte = block[i]!;
    unsigned += byte;
    if (byte > 0x7f) high++;
  }
  const stored = headerNumber(block, CHECKSUM_AT, 8, 'chksum');
  if (stored !== unsigned && stored !== unsigned - 256 * high) badTar('its checksum is wrong');
}
