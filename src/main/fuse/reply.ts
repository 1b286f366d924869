// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Stat } from '../system/stat';
import { ENTRY_OUT, OUT_HEADER } from './protocol';

/** How long the kernel may keep names and attributes: nobody else changes the layers while they are mounted. */
export const FOREVER = 0x7fff_ffff;

/** What stat(2) shows of a node, as the reply carries it. */
export interface Attributes {
  readonly stat: Stat;
  readonly inoLow: number;
  readonly inoHigh: number;
  readonly nlink: number;
  readonly blocks: number;
}

/**
 * The one buffer in which every reply is built, header first. Nothing is allocated for a request. Offsets are bytes
 * from the start of the buffer.
 */
export class Reply {
  readonly bytes: Buffer;
  private readonly u32: Uint32Array;

  /** @param capacity bytes of payload */
  constructor(capacity: number) {
    const memory = new ArrayBuffer(OUT_HEADER + capacity);
    this.bytes = Buffer.from(memory);
    this.u32 = new Uint32Array(memory, 0, memory.byteLength >>> 2);
  }

  /** @param unique the request's number as its two halves; 0 for a notification */
  header(length: number, error: number, uniqueLow: number, uniqueHigh: number): void {
    this.u32[0] = length;
    this.u32[1] = error;
    this.u32[2] = uniqueLow;
    this.u32[3] = uniqueHigh;
  }

  put32(at: number, value: number): void {
    this.u32[at >>> 2] = value;
  }

  /** A non-negative number below 2^53. */
  put64(at: number, value: number): void {
    this.u32[at >>> 2] = value;
    this.u32[(at >>> 2) + 1] = value / 0x1_0000_0000;
  }

  /** Seconds, which may be before 1970. */
  private putTime(at: number, seconds: number): void {
    this.u32[at >>> 2] = seconds;
    this.u32[(at >>> 2) + 1] = Math.floor(seconds / 0x1_0000_0000);
  }

  putBytes(at: number, bytes: ByteString): void {
    this.bytes.write(bytes, at, 'latin1');
  }

  /** struct fuse_attr, 88 bytes. */
  putAttributes(at: number, { stat, inoLow, inoHigh, nlink, blocks }: Attributes): void {
    this.put32(at, inoLow);
    this.put32(at + 4, inoHigh);
    this.put64(at + 8, stat.size);
    this.put64(at + 16, blocks);
    this.putTime(at + 24, stat.atime);
    this.putTime(at + 32, stat.mtime);
    this.putTime(at + 40, stat.ctime);
    this.put32(at + 48, stat.atimeNs);
    this.put32(at + 52, stat.mtimeNs);
    this.put32(at + 56, stat.ctimeNs);
    this.put32(at + 60, stat.mode);
    this.put32(at + 64, nlink);
    this.put32(at + 68, stat.uid);
    this.put32(at + 72, stat.gid);
    this.put32(at + 76, encodeDevice(stat.rdevMajor, stat.rdevMinor));
    this.put32(at + 80, stat.blksize);
    this.put32(at + 84, 0);
  }

  /** struct fuse_entry_out, 128 bytes. */
  putEntry(at: number, nodeId: number, generation: number, attributes: Attributes): void {
    this.put64(at, nodeId);
    this.put64(at + 8, generation);
    this.put64(at + 16, FOREVER);
    this.put64(at + 24, FOREVER);
    this.put64(at + 32, 0);
    this.putAttributes(at + 40, attributes);
  }

  /** An entry that says "no such name", for the kernel to keep. */
  putNegativeEntry(at: number): void {
    this.bytes.fill(0, at, at + ENTRY_OUT);
    this.put64(at + 16, FOREVER);
  }

  /** struct fuse_dirent: the name is padded to eight bytes. Returns the length of the record. */
  putDirent(at: number, inoLow: number, inoHigh: number, offset: number, type: number, name: ByteString): number {
    this.put32(at, inoLow);
    this.put32(at + 4, inoHigh);
    this.put64(at + 8, offset);
    this.put32(at + 16, name.length);
    this.put32(at + 20, type);
    this.putBytes(at + 24, name);
    const length = (24 + name.length + 7) & ~7;
    this.bytes.fill(0, at + 24 + name.length, at + length);
    return length;
  }
}

/** The kernel's 32-bit device number: major 12 bits, minor 20 bits around it. */
function encodeDevice(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}
