// SPDX-License-Identifier: MIT
import koffi from 'koffi';
import type { ByteString } from '@shared/bytes';
import { lastErrno, libc } from '../system/libc';
import type { TimeChange } from '../system/attributes';

const strlen = libc.func('size_t strlen(uint64_t)');
const memcpyFrom = libc.func('memcpy', 'void *', ['void *', 'uint64_t', 'size_t']);
const memcpyTo = libc.func('memcpy', 'void *', ['uint64_t', 'const void *', 'size_t']);
const preadTo = libc.func('pread64', 'long', ['int', 'uint64_t', 'size_t', 'int64_t']);
const pwriteFrom = libc.func('pwrite64', 'long', ['int', 'uint64_t', 'size_t', 'int64_t']);
const Fill = koffi.proto('int LaminaFillDir(uint64_t, const void *, const void *, int64_t)');

/** Offsets in `fuse_thread_locals_t` of fuse-native 2.2.6 on 64-bit Linux (fuse-native.c). */
const AT = {
  path: 24,
  dest: 32,
  linkname: 40,
  info: 48,
  buf: 56,
  offset: 64,
  len: 72,
  mode: 80,
  dev: 88,
  uid: 96,
  gid: 100,
  atime: 104,
  mtime: 112,
  name: 128,
  value: 136,
  list: 144,
  size: 152,
  flags: 164,
  stat: 168,
  statvfs: 176,
  filler: 184,
};

/** `struct fuse_file_info` of libfuse 2: `flags`, `writepage`, the bits `direct_io` and `keep_cache`, `fh`. */
const INFO = { flags: 0, writepage: 16, bits: 20, fh: 24 };

const text = Buffer.alloc(65536);
const word = Buffer.alloc(8);

/** How the kernel may keep the pages of a file that was opened. */
export const CACHING = {
  /** Not at all: nor are reads cut at the size that stat shows. */
  none: 1,
  /** What it has of the file is still good. */
  kept: 2,
  /** From this open on. */
  fresh: 0,
} as const;

/**
 * One call of libfuse's, as fuse-native hands it over: the record that its C code keeps for the thread that waits. The
 * package's own JavaScript takes names as UTF-8, times in milliseconds and inode numbers of 32 bits; through the record
 * names stay bytes, times that are shown exact and numbers whole.
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

  /** The second path of RENAME and LINK; of SYMLINK the new name, whose target is `path`. */
  get destination(): ByteString {
    return this.bytesAt(AT.dest);
  }

  get xattrName(): ByteString {
    return this.bytesAt(AT.name);
  }

  /** Of CREATE, MKNOD, MKDIR and CHMOD; umask is applied. FSYNC and FSYNCDIR have `datasync` here. */
  get mode(): number {
    return this.record.readUInt32LE(AT.mode);
  }

  /** The kernel's 32-bit device number. */
  get device(): number {
    return this.record.readUInt32LE(AT.dev);
  }

  get uid(): number {
    return this.record.readUInt32LE(AT.uid);
  }

  get gid(): number {
    return this.record.readUInt32LE(AT.gid);
  }

  get accessTime(): TimeChange {
    return this.time(AT.atime);
  }

  get modificationTime(): TimeChange {
    return this.time(AT.mtime);
  }

  /** The C side has cut what it was given to milliseconds. */
  private time(at: number): TimeChange {
    const milliseconds = Number(this.record.readBigInt64LE(at));
    const seconds = Math.floor(milliseconds / 1000);
    return { seconds, nanoseconds: (milliseconds - seconds * 1000) * 1_000_000 };
  }

  /** XATTR_CREATE, XATTR_REPLACE or 0. */
  get xattrFlags(): number {
    return this.record.readInt32LE(AT.flags);
  }

  /** The value that SETXATTR brings. */
  get xattrValue(): ByteString {
    const length = this.xattrRoom;
    memcpyFrom(text, this.pointer(AT.value), length);
    return text.toString('latin1', 0, length);
  }

  /** Of READ and WRITE; the new size of TRUNCATE. */
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

  /** Reads the file straight into libfuse's buffer. Returns the bytes read, or the negative errno. */
  readFrom(fd: number): number {
    const count = Number(preadTo(fd, this.pointer(AT.buf), this.length, this.offset));
    return count < 0 ? -lastErrno() : count;
  }

  /** Writes to the file straight from libfuse's buffer. Returns the bytes written, or the negative errno. */
  writeTo(fd: number, offset: number): number {
    const count = Number(pwriteFrom(fd, this.pointer(AT.buf), this.length, offset));
    return count < 0 ? -lastErrno() : count;
  }

  private infoWord(at: number, bytes: number): number {
    memcpyFrom(word, this.pointer(AT.info) + BigInt(at), bytes);
    return word.readUIntLE(0, bytes);
  }

  /** Handle of an open file, which `openAs` gave it. */
  get handle(): number {
    return this.infoWord(INFO.fh, 6);
  }

  /** The flags of open(2); of a WRITE as they are by then. */
  get openFlags(): number {
    return this.infoWord(INFO.flags, 4);
  }

  /** The kernel writes pages back that were written to through a mapping. */
  get isWriteback(): boolean {
    return this.infoWord(INFO.writepage, 4) !== 0;
  }

  /**
   * @param handle  not zero
   * @param caching one of CACHING
   */
  openAs(handle: number, caching: number): void {
    word.writeBigUInt64LE(BigInt(handle), 0);
    memcpyTo(this.pointer(AT.info) + BigInt(INFO.fh), word, 8);
    word.writeUInt32LE(caching, 0);
    memcpyTo(this.pointer(AT.info) + BigInt(INFO.bits), word, 4);
  }

  /** Adds a name to a directory listing. */
  fill(name: ByteString, stat: Buffer): void {
    const filler = koffi.decode(this.record.subarray(AT.filler, AT.filler + 8), 'void *') as unknown;
    koffi.call(filler, Fill, this.pointer(AT.buf), Buffer.from(`${name}\0`, 'latin1'), stat, 0);
  }
}
