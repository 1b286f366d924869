// SPDX-License-Identifier: MIT
import type { Attributes } from './reply';

const buffer = Buffer.alloc(144);

/** makedev(3): 32 bits of major and minor each, spread over 64. */
function deviceNumber(major: number, minor: number): bigint {
  const a = BigInt(major);
  const b = BigInt(minor);
  return (b & 0xffn) | ((a & 0xfffn) << 8n) | ((b & ~0xffn) << 12n) | ((a & ~0xfffn) << 32n);
}

/** `struct stat` of x86-64 Linux, in a buffer that the next call uses again. */
export function nativeStat({ stat, inoLow, inoHigh, nlink, blocks }: Attributes): Buffer {
  buffer.fill(0);
  buffer.writeUInt32LE(inoLow, 8);
  buffer.writeUInt32LE(inoHigh, 12);
  buffer.writeUInt32LE(nlink, 16);
  buffer.writeUInt32LE(stat.mode, 24);
  buffer.writeUInt32LE(stat.uid, 28);
  buffer.writeUInt32LE(stat.gid, 32);
  buffer.writeBigUInt64LE(deviceNumber(stat.rdevMajor, stat.rdevMinor), 40);
  buffer.writeBigInt64LE(BigInt(stat.size), 48);
  buffer.writeUInt32LE(stat.blksize, 56);
  buffer.writeBigInt64LE(BigInt(blocks), 64);
  buffer.writeBigInt64LE(BigInt(stat.atime), 72);
  buffer.writeUInt32LE(stat.atimeNs, 80);
  buffer.writeBigInt64LE(BigInt(stat.mtime), 88);
  buffer.writeUInt32LE(stat.mtimeNs, 96);
  buffer.writeBigInt64LE(BigInt(stat.ctime), 104);
  buffer.writeUInt32LE(stat.ctimeNs, 112);
  return buffer;
}

/** A stat that carries only what readdir gives: the inode number and the type. */
export function listedStat(inoLow: number, inoHigh: number, type: number): Buffer {
  buffer.fill(0);
  buffer.writeUInt32LE(inoLow, 8);
  buffer.writeUInt32LE(inoHigh, 12);
  buffer.writeUInt32LE(type << 12, 24);
  return buffer;
}
