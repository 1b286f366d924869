// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { nameAlone, type WrittenEntry, type WrittenType } from './write-entry';
import { entryName, fitsId, fitsSize, fitsTime, NAME_BYTES, paxRecords } from './write-pax';

export const BLOCK = 512;

const TYPE_FLAGS: Readonly<Record<WrittenType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};
const PAX_FLAG = 'x';

/** How many zeros stand behind `size` bytes, up to the next block. */
export const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

/** The two empty blocks that end a tar. */
export const END_BYTES = 2 * BLOCK;

/** The bytes that stand before the content of an entry: its PAX header where it needs one, and the ustar header. */
export function headerOf(entry: WrittenEntry): Buffer {
  const main = ustarHeader(entry, TYPE_FLAGS[entry.type]);
  const records = paxRecords(entry);
  if (records.length === 0) return main;
  const extended = ustarHeader({ ...nameAlone(paxName(entry.path)), size: records.length }, PAX_FLAG);
  return Buffer.concat([extended, records, Buffer.alloc(paddingOf(records.length)), main]);
}

/** `DIR/PaxHeaders.0/NAME` as Go's archive/tar has it, which only readers of before PAX see. */
function paxName(path: ByteString): ByteString {
  const slash = path.lastIndexOf('/');
  return `${path.slice(0, slash + 1)}PaxHeaders.0/${path.slice(slash + 1)}`;
}

/** What does not fit is cut short or 0 here: a PAX record has it (pax(1), "ustar Interchange Format"). */
function ustarHeader(entry: WrittenEntry, flag: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(plain(flag === PAX_FLAG ? entry.path : entryName(entry)), 0, NAME_BYTES, 'latin1');
  octal(block, 100, 8, entry.mode);
  octal(block, 108, 8, fitsId(entry.uid) ? entry.uid : 0);
  octal(block, 116, 8, fitsId(entry.gid) ? entry.gid : 0);
  octal(block, 124, 12, fitsSize(entry.size) ? entry.size : 0);
  octal(block, 136, 12, fitsTime(entry.mtime) ? entry.mtime : 0);
  block.write(flag, 156, 'latin1');
  block.write(plain(entry.target), 157, NAME_BYTES, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, entry.deviceMajor);
  octal(block, 337, 8, entry.deviceMinor);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** Readers that know no PAX get a name all the same. */
const plain = (name: ByteString): ByteString => name.replace(/[^\x01-\x7f]/g, '_');

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(value.toString(8).padStart(width - 1, '0'), at, 'latin1');
}
