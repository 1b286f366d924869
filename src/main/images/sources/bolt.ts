// SPDX-License-Identifier: MIT
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { raw } from '../store/durable';

/*
 * A reader of bbolt's database files, which containerd keeps its metadata in; no npm library reads them. The format is
 * that of go.etcd.io/bbolt (page.go, bucket.go, node.go), little-endian: pages, of which 0 and 1 are "meta" pages that
 * name the root of the newest transaction; branch pages lead to leaf pages; a leaf's value may be a bucket, which is the
 * root page of a tree of its own, or holds that page inline. What a page says is checked: the file may be damaged.
 */

const MAGIC = 0xed0c_daed;
const VERSION = 2;
const PAGE_HEADER = 16;
const ELEMENT = 16;
const BRANCH = 0x01;
const LEAF = 0x02;
const IS_BUCKET = 1;
/** Deeper than a tree of any size. */
const MOST_DEPTH = 32;
const MOST_FILE_BYTES = 512 << 20;
/** A writer that commits while the file is read may have changed what was read. */
const TRIES = 5;

/** A bucket: names to values, and to buckets. Keys are byte strings. */
export class BoltBucket {
  constructor(
    private readonly file: BoltFile,
    private readonly page: Buffer,
  ) {}

  /** All keys in order, with the value, or the bucket, that each has. */
  *entries(): Generator<readonly [ByteString, Buffer | BoltBucket]> {
    yield* this.file.walk(this.page, 0);
  }

  bucket(key: ByteString): BoltBucket | null {
    const found = this.#find(key);
    return found instanceof BoltBucket ? found : null;
  }

  value(key: ByteString): Buffer | null {
    const found = this.#find(key);
    return found instanceof BoltBucket ? null : found;
  }

  #find(key: ByteString): Buffer | BoltBucket | null {
    for (const [name, value] of this.entries()) if (name === key) return value;
    return null;
  }
}

/**
 * Opens a database as it is at one time; a process may write it meanwhile.
 * @returns its root bucket
 * @throws Failure `bad-database`, or of the file system
 */
export function openBolt(path: ByteString): BoltBucket {
  for (let tries = 1; ; tries++) {
    const before = readWhole(path);
    const file = new BoltFile(path, before);
    // Unless a transaction was written meanwhile, all pages are of one time.
    if (tries === TRIES || readStart(path, file.metaEnd).equals(before.subarray(0, file.metaEnd))) return file.root();
  }
}

class BoltFile {
  private readonly pageSize: number;
  private readonly rootPage: number;

  constructor(
    private readonly path: ByteString,
    private readonly bytes: Buffer,
  ) {
    const first = this.#meta(0);
    // Where the first meta page is torn, the second is looked for at the sizes that pages have.
    const sizes = first ? [first.pageSize] : [4096, 8192, 16384, 65536];
    const metas = [first, ...sizes.map((size) => this.#meta(size))].filter((meta) => meta !== null);
    const newest = metas.sort((a, b) => (a.transaction < b.transaction ? 1 : -1))[0];
    if (!newest) throw this.bad('it has no valid meta page');
    this.pageSize = newest.pageSize;
    this.rootPage = newest.root;
  }

  /** Where the meta pages end. */
  get metaEnd(): number {
    return this.pageSize * 2;
  }

  root(): BoltBucket {
    return new BoltBucket(this, this.#page(this.rootPage));
  }

  *walk(page: Buffer, depth: number): Generator<readonly [ByteString, Buffer | BoltBucket]> {
    if (depth > MOST_DEPTH) throw this.bad('its pages lead in a circle');
    const flags = page.readUInt16LE(8);
    const count = page.readUInt16LE(10);
    if (PAGE_HEADER + count * ELEMENT > page.length) throw this.bad('a page has more elements than room');
    for (let i = 0; i < count; i++) {
      const at = PAGE_HEADER + i * ELEMENT;
      if (flags & BRANCH) yield* this.walk(this.#page(Number(page.readBigUInt64LE(at + 8))), depth + 1);
      else if (flags & LEAF) yield this.#leaf(page, at);
      else throw this.bad('a page is neither branch nor leaf');
    }
  }

  #leaf(page: Buffer, at: number): readonly [ByteString, Buffer | BoltBucket] {
    const [flags, position, keyBytes, valueBytes] = [0, 4, 8, 12].map((field) => page.readUInt32LE(at + field));
    const start = at + position!;
    const middle = start + keyBytes!;
    const end = middle + valueBytes!;
    if (end > page.length) throw this.bad('a value ends behind its page');
    const value = page.subarray(middle, end);
    const key = page.toString('latin1', start, middle);
    return [key, flags! & IS_BUCKET ? this.#bucket(value) : value];
  }

  #bucket(value: Buffer): BoltBucket {
    if (value.length < 16) throw this.bad('a bucket has no header');
    const page = Number(value.readBigUInt64LE(0));
    if (page !== 0) return new BoltBucket(this, this.#page(page));
    if (value.length < 16 + PAGE_HEADER) throw this.bad('a bucket has no page');
    return new BoltBucket(this, value.subarray(16));
  }

  #page(id: number): Buffer {
    const start = id * this.pageSize;
    if (start + this.pageSize > this.bytes.length) throw this.bad('a page is behind its end');
    const overflow = this.bytes.readUInt32LE(start + 12);
    const end = start + (1 + overflow) * this.pageSize;
    if (end > this.bytes.length) throw this.bad('a page ends behind its end');
    return this.bytes.subarray(start, end);
  }

  #meta(start: number): { readonly pageSize: number; readonly root: number; readonly transaction: bigint } | null {
    const at = start + PAGE_HEADER;
    if (at + 64 > this.bytes.length) return null;
    const meta = this.bytes.subarray(at, at + 64);
    if (meta.readUInt32LE(0) !== MAGIC || meta.readUInt32LE(4) !== VERSION) return null;
    if (fnv1a(meta.subarray(0, 56)) !== meta.readBigUInt64LE(56)) return null;
    const pageSize = meta.readUInt32LE(8);
    return { pageSize, root: Number(meta.readBigUInt64LE(16)), transaction: meta.readBigUInt64LE(48) };
  }

  bad(reason: string): Failure {
    return new Failure(
      'bad-database',
      `${display(this.path)} cannot be read as a database of containerd: ${reason}.`,
      'Try again: it may have been written just now. Else see whether ctr image ls works.',
    );
  }
}

/** FNV-1a of 64 bits, the checksum of meta pages. */
function fnv1a(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

const readWhole = (path: ByteString): Buffer => readStart(path, MOST_FILE_BYTES);

function readStart(path: ByteString, most: number): Buffer {
  let fd;
  try {
    fd = openSync(raw(path), 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'EIO';
    throw new Failure(
      code,
      `${display(path)} cannot be read (${code}).`,
      "containerd's files are root's: run Lamina as root.",
    );
  }
  try {
    const buffer = Buffer.alloc(Math.min(most, fstatSync(fd).size));
    let at = 0;
    while (at < buffer.length) {
      const count = readSync(fd, buffer, at, buffer.length - at, at);
      if (count === 0) break;
      at += count;
    }
    return buffer.subarray(0, at);
  } finally {
    closeSync(fd);
  }
}
