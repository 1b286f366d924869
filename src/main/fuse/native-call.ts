// SPDX-License-Identifier: MIT
import koffi from 'koffi';
import type { ByteString } from '@shared/bytes';
import { libc } from '../system/libc';

const strlen = libc.func('size_t strlen(uint64_t)');
const memcpyFrom = libc.func('memcpy', 'void *', ['void *', 'uint64_t', 'size_t']);
const memcpyTo = libc.func('memcpy', 'void *', ['uint64_t', 'const void *', 'size_t']);
const preadTo = libc.func('pread64', 'long', ['int', 'uint64_t', 'size_t', 'int64_t']);
const Fill = koffi.proto('int LaminaFillDir(uint64_t, const void *, const void *, int64_t)');

/** Offsets in `fuse_thread_locals_t` of fuse-native 2.2.6 on 64-bit Linux (fuse-native.c). */
const AT = {
  path: 24,
  linkname: 40,
  info: 48,
  buf: 56,
  offset: 64,
  len: 72,
  name: 128,
  value: 136,
  list: 144,
  size: 152,
  stat: 168,
  statvfs: 176,
  filler: 184,
};

/** `fh` and the `direct_io`, `keep_cache` bits of libfuse 2's `struct fuse_file_info`. */
const INFO = { bits: 20, fh: 24 };

const text = Buffer.alloc(65536);
const word = Buffer.alloc(8);

/**
 * One call of libfuse's, as fuse-native hands it over: the record that its C code keeps for the thread that waits. The
 * package's own JavaScript takes names as UTF-8, times in milliseconds and inode numbers of 32 bits; through the record
 * names stay bytes, times exact and numbers whole.
 */
export class NativeCall {
  constructor(readonly record: Buffer) {}

  private pointer(at: number): bigint {
    return this.record.readBigUInt64LE(at);
  }

  private bytesAt(at: number): ByteString {
    const pointer = this.pointer(at);
    const length = Number(strlen(pointer));
    memcpyFrom(text, pointer, length);
    return text.toString('latin1', 0, length);
  }

  get path(): ByteString {
    return this.bytesAt(AT.path);
  }

  get xattrName(): ByteString {
    return this.bytesAt(AT.name);
  }

  get offset(): number {
    return Number(this.record.readBigInt64LE(AT.offset));
  }

  get length(): number {
    return Number(this.pointer(AT.len));
  }

  get xattrRoom(): number {
    return Number(this.pointer(AT.size));
  }

  /** Copies into the memory that one of the record's pointers names. */
  private put(at: number, bytes: Buffer, length = bytes.length): void {
    memcpyTo(this.pointer(at), bytes, length);
  }

  putStat(stat: Buffer): void {
    this.put(AT.stat, stat);
  }

  putStatvfs(values: Buffer): void {
    this.put(AT.statvfs, values);
  }

  /** The target, cut to the room there is, with its NUL. */
  putLink(target: ByteString): void {
    const bytes = Buffer.from(`${target.slice(0, this.length - 1)}\0`, 'latin1');
    this.put(AT.linkname, bytes);
  }

  putXattr(value: ByteString): void {
    this.put(AT.value, Buffer.from(value, 'latin1'));
  }

  putXattrList(names: ByteString): void {
    this.put(AT.list, Buffer.from(names, 'latin1'));
  }

  /** Reads the file straight into libfuse's buffer. Returns the bytes read, or a negative number. */
  readFrom(fd: number): number {
    return Number(preadTo(fd, this.pointer(AT.buf), this.length, this.offset));
  }

  /** File handle of an open file; descriptors, which are never zero here. */
  get handle(): number {
    memcpyFrom(word, this.pointer(AT.info) + BigInt(INFO.fh), 8);
    return Number(word.readBigUInt64LE(0));
  }

  /** @param direct the kernel shall not cache, and not cut reads at the size that stat shows */
  openAs(handle: number, direct: boolean): void {
    word.writeBigUInt64LE(BigInt(handle), 0);
    memcpyTo(this.pointer(AT.info) + BigInt(INFO.fh), word, 8);
    const DIRECT_IO = 1;
    const KEEP_CACHE = 2;
    word.writeUInt32LE(direct ? DIRECT_IO : KEEP_CACHE, 0);
    memcpyTo(this.pointer(AT.info) + BigInt(INFO.bits), word, 4);
  }

  /** Adds a name to a directory listing. */
  fill(name: ByteString, stat: Buffer): void {
    const filler = koffi.decode(this.record.subarray(AT.filler, AT.filler + 8), 'void *') as unknown;
    koffi.call(filler, Fill, this.pointer(AT.buf), Buffer.from(`${name}\0`, 'latin1'), stat, 0);
  }
}
