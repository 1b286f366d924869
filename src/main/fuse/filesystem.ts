// SPDX-License-Identifier: MIT
import { statfsSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import { ANYWHERE, isDirectoryEntry, topOf, type Entry } from '../overlay/entry';
import { blocksOf, dataOf, linksOf, openData, readLink } from '../overlay/file-data';
import { InodeNumbers, type InodeNumber } from '../overlay/inode-numbers';
import { lookup } from '../overlay/lookup';
import { listNames, type ListedName } from '../overlay/readdir';
import type { OverlayStack } from '../overlay/stack';
import { getXattr, listXattrs } from '../overlay/xattrs';
import { closeFile, readFile, seekFile } from '../system/files';
import { ERRNO, SystemError } from '../system/libc';
import { statFd } from '../system/stat';
import type { FuseDevice } from './device';
import { NodeTable, type Node } from './node-table';
import {
  ATTR_BYTES,
  DIRENT_HEADER,
  ENTRY_OUT,
  FOPEN,
  IN_HEADER,
  INIT,
  INIT2,
  FUSE_MAJOR,
  FUSE_MINOR,
  NOTIFY_STORE,
  OPCODE,
  OUT_HEADER,
} from './protocol';
import { FOREVER, Reply, type Attributes } from './reply';
import { failure, MAX_PAYLOAD, MAX_WRITE, nameAt, NO_REPLY, type Operation, type Request } from './session';
import { WalkAhead } from './walk-ahead';

/**
 * Files up to this size go into the page cache with their first open, so that no READ follows. Above it passthrough
 * starts to pay: registering a backing file costs more than reading a small one.
 */
const STORE_BYTES = 128 * 1024;

/** Directory, among the types of dirent.h. */
const DT_DIR = 4;

const refuse = (errno: number, what: string): never => {
  throw new SystemError(errno, what, '');
};

/** The merged tree as a read-only file system, request by request (include/uapi/linux/fuse.h, semantics 2 and 3). */
export class OverlayFileSystem {
  readonly operations: ReadonlyMap<number, Operation>;
  readonly nodes: NodeTable;
  private readonly numbers: InodeNumbers;
  private passthrough = false;
  private readonly walkAhead = new WalkAhead((directory) => this.readAhead(directory));
  private readonly store = new Reply(40 + STORE_BYTES);

  constructor(
    private readonly stack: OverlayStack,
    private readonly device: FuseDevice,
  ) {
    this.numbers = new InodeNumbers(stack);
    this.nodes = new NodeTable(stack.root, this.attributesOf(stack.root));
    this.operations = new Map<number, Operation>([
      [OPCODE.INIT, this.init],
      [OPCODE.LOOKUP, this.lookup],
      [OPCODE.FORGET, this.forget],
      [OPCODE.BATCH_FORGET, this.batchForget],
      [OPCODE.GETATTR, this.getattr],
      [OPCODE.READLINK, this.readlink],
      [OPCODE.READDIR, (request, reply) => this.readdir(request, reply, false)],
      [OPCODE.READDIRPLUS, (request, reply) => this.readdir(request, reply, true)],
      [OPCODE.OPEN, this.open],
      [OPCODE.READ, this.read],
      [OPCODE.LSEEK, this.lseek],
      [OPCODE.RELEASE, this.release],
      [OPCODE.STATFS, this.statfs],
      [OPCODE.GETXATTR, this.getxattr],
      [OPCODE.LISTXATTR, this.listxattr],
      [OPCODE.INTERRUPT, () => NO_REPLY],
      [OPCODE.DESTROY, () => 0],
    ]);
  }

  /** Gives back what the kernel did not: after an unmount it sends no RELEASE. */
  close(): void {
    this.stack.close();
  }

  /** struct fuse_init_in and fuse_init_out. */
  private readonly init: Operation = ({ bytes, length }, reply) => {
    const flags = bytes.readUInt32LE(IN_HEADER + 12);
    const extended = (flags & INIT.INIT_EXT) !== 0 && length >= IN_HEADER + 20;
    const flags2 = extended ? bytes.readUInt32LE(IN_HEADER + 16) : 0;
    // Only with CAP_SYS_ADMIN in the first namespace does the kernel take backing files.
    this.passthrough = (flags2 & INIT2.PASSTHROUGH) !== 0 && process.getuid?.() === 0;
    const wanted =
      INIT.ASYNC_READ |
      INIT.DO_READDIRPLUS |
      INIT.PARALLEL_DIROPS |
      INIT.POSIX_ACL |
      INIT.MAX_PAGES |
      INIT.CACHE_SYMLINKS |
      INIT.NO_OPENDIR_SUPPORT |
      INIT.EXPLICIT_INVAL_DATA |
      INIT.INIT_EXT;
    const out = OUT_HEADER;
    reply.bytes.fill(0, out, out + 64);
    reply.put32(out, FUSE_MAJOR);
    reply.put32(out + 4, FUSE_MINOR);
    reply.put32(out + 8, bytes.readUInt32LE(IN_HEADER + 8));
    reply.put32(out + 12, (flags & wanted) >>> 0);
    // max_background and congestion_threshold, 16 bits each.
    reply.put32(out + 16, 64 | (48 << 16));
    reply.put32(out + 20, MAX_WRITE);
    // Times are kept to the nanosecond.
    reply.put32(out + 24, 1);
    reply.put32(out + 28, MAX_PAYLOAD / 4096);
    reply.put32(out + 32, this.passthrough ? INIT2.PASSTHROUGH : 0);
    reply.put32(out + 36, this.passthrough ? 1 : 0);
    return 64;
  };

  private attributesOf(entry: Entry): Attributes {
    const { stat } = topOf(entry);
    const { low, high } = this.numbers.of(stat);
    return { stat, inoLow: low, inoHigh: high, nlink: linksOf(entry), blocks: blocksOf(entry) };
  }

  private node({ nodeId }: Pick<Request, 'nodeId'>): Node {
    return this.nodes.get(nodeId) ?? refuse(ERRNO.ESTALE, 'node');
  }

  /** The child's node. Throws what the lookup throws. */
  private childOf(parent: Node, name: ByteString, components = ANYWHERE): Node {
    const known = parent.children?.get(name);
    if (known) return known;
    const entry = lookup(this.stack, parent.entry, name, null, components);
    return this.nodes.add(parent, entry, this.attributesOf(entry));
  }

  /** Tells the kernel of a node: one more FORGET is owed. */
  private handOut(reply: Reply, at: number, node: Node): void {
    node.lookups += 1;
    reply.putEntry(at, node.id, 0, node.attributes);
  }

  private readonly lookup: Operation = (request, reply) => {
    const parent = this.node(request);
    try {
      this.handOut(reply, OUT_HEADER, this.childOf(parent, nameAt(request)));
    } catch (error) {
      if (!(error instanceof SystemError) || error.errno !== ERRNO.ENOENT) throw error;
      reply.putNegativeEntry(OUT_HEADER);
    }
    return ENTRY_OUT;
  };

  private readonly forget: Operation = ({ nodeId, bytes }) => {
    this.nodes.forget(nodeId, Number(bytes.readBigUInt64LE(IN_HEADER)));
    return NO_REPLY;
  };

  private readonly batchForget: Operation = ({ bytes }) => {
    const count = bytes.readUInt32LE(IN_HEADER);
    for (let at = IN_HEADER + 8; at < IN_HEADER + 8 + count * 16; at += 16) {
      this.nodes.forget(Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8)));
    }
    return NO_REPLY;
  };

  private readonly getattr: Operation = (request, reply) => {
    reply.put64(OUT_HEADER, FOREVER);
    reply.put64(OUT_HEADER + 8, 0);
    reply.putAttributes(OUT_HEADER + 16, this.node(request).attributes);
    return 16 + ATTR_BYTES;
  };

  private readonly readlink: Operation = (request, reply) => {
    const target = readLink(this.stack, this.node(request).entry);
    reply.putBytes(OUT_HEADER, target);
    return target.length;
  };

  /**
   * READDIR and READDIRPLUS. There is no OPENDIR on a mount that never changes: the kernel keeps the listing in its
   * page cache, and offsets count entries.
   */
  private readdir(request: Request, reply: Reply, plus: boolean): number {
    const node = this.node(request);
    if (!isDirectoryEntry(node.entry)) refuse(ERRNO.ENOTDIR, 'readdir');
    const offset = Number(request.bytes.readBigUInt64LE(IN_HEADER + 8));
    const size = Math.min(request.bytes.readUInt32LE(IN_HEADER + 16), MAX_PAYLOAD);
    node.listing ??= listNames(this.stack, node.entry);
    const { listing } = node;
    if (offset === 0) this.walkAhead.listed(node, () => this.subdirectories(node, listing));
    const head = plus ? ENTRY_OUT : 0;
    let at = OUT_HEADER;
    let index = offset;
    for (; index < listing.length; index++) {
      const listed = listing[index]!;
      if (at + head + DIRENT_HEADER + listed.name.length + 7 > OUT_HEADER + size) break;
      if (plus) this.putListed(reply, at, node, listed);
      const { low, high } = this.listedNumber(node, listed);
      at += head + reply.putDirent(at + head, low, high, index + 1, listed.type, listed.name);
    }
    if (index >= listing.length && at === OUT_HEADER) node.listing = null;
    return at - OUT_HEADER;
  }

  /** The entry before a READDIRPLUS name; zero where the kernel shall look the name up itself. */
  private putListed(reply: Reply, at: number, parent: Node, { name, components }: ListedName): void {
    reply.bytes.fill(0, at, at + ENTRY_OUT);
    if (name === '.' || name === '..') return;
    try {
      this.handOut(reply, at, this.childOf(parent, name, components));
    } catch (error) {
      // Listed names whose lookup fails stay listed (semantics 2.4).
      if (!(error instanceof SystemError)) throw error;
    }
  }

  /** Resolves the names of a directory before anyone asks. */
  private readAhead(directory: Node): Node[] {
    try {
      directory.listing ??= listNames(this.stack, directory.entry);
      const { listing } = directory;
      for (const { name, components } of listing)
        if (name !== '.' && name !== '..') this.tryChild(directory, name, components);
      return this.subdirectories(directory, listing);
    } catch (error) {
      if (error instanceof SystemError) return [];
      throw error;
    }
  }

  private tryChild(parent: Node, name: ByteString, components: number): Node | null {
    try {
      return this.childOf(parent, name, components);
    } catch (error) {
      if (error instanceof SystemError) return null;
      throw error;
    }
  }

  private subdirectories(directory: Node, listing: readonly ListedName[]): Node[] {
    const found: Node[] = [];
    for (const { name, type, components } of listing) {
      if (type !== DT_DIR || name === '.' || name === '..') continue;
      const child = this.tryChild(directory, name, components);
      if (child) found.push(child);
    }
    return found;
  }

  /** One piece of work for a moment without requests. Returns false where there is none. */
  idle(): boolean {
    return this.walkAhead.step();
  }

  private listedNumber(node: Node, { name, from, inoLow, inoHigh }: ListedName): InodeNumber {
    if (name === '.') return { low: node.attributes.inoLow, high: node.attributes.inoHigh };
    if (name === '..') {
      const { attributes } = node.parent ?? node;
      return { low: attributes.inoLow, high: attributes.inoHigh };
    }
    return this.numbers.of({ ...from.stat, inoLow, inoHigh });
  }

  private readonly open: Operation = (request, reply) => {
    const node = this.node(request);
    const flags = request.bytes.readUInt32LE(IN_HEADER);
    const O_ACCMODE = 3;
    if ((flags & O_ACCMODE) !== 0) refuse(ERRNO.EROFS, 'open');
    if (node.opens === 0) this.openFirst(node);
    node.opens += 1;
    reply.put64(OUT_HEADER, 0);
    reply.put32(OUT_HEADER + 8, node.openFlags);
    reply.put32(OUT_HEADER + 12, node.backingId);
    return 16;
  };

  /** Decides how the data reach the reader, for as long as anyone has the file open. */
  private openFirst(node: Node): void {
    node.openFlags = FOPEN.KEEP_CACHE;
    // The kernel has the whole file from an earlier open; should it drop pages, READ opens the data again.
    if (node.stored) return;
    node.fd = openData(this.stack, node.entry);
    const { size } = node.attributes.stat;
    const real = this.dataSize(node);
    if (this.passthrough && (size > STORE_BYTES || real !== size)) {
      const id = this.device.openBacking(node.fd);
      node.backingId = Math.max(id, 0);
    }
    if (node.backingId > 0) node.openFlags = FOPEN.PASSTHROUGH;
    // The kernel serves the real data, longer or shorter than the size that stat shows (semantics 2.6).
    else if (real !== size) node.openFlags = FOPEN.DIRECT_IO;
    else if (!node.everOpened && size <= STORE_BYTES) this.storeData(node, size);
    node.everOpened = true;
    if (node.entry.lazyData !== null) node.attributes = this.attributesOf(node.entry);
  }

  private closeData(node: Node): void {
    if (node.fd >= 0) closeFile(node.fd);
    node.fd = -1;
  }

  private dataSize({ entry, fd }: Node): number {
    if (!entry.metacopy) return topOf(entry).stat.size;
    return dataOf(entry)?.stat.size ?? statFd(fd, entry.name).size;
  }

  /**
   * Puts the whole of a small file into the page cache before its first open is answered, and lets go of it. Nobody can
   * be reading it then, so that the kernel never waits for us while we wait for it.
   */
  private storeData(node: Node, size: number): void {
    const { store } = this;
    const content = OUT_HEADER + 24;
    const count = readFile(node.fd, store.bytes.subarray(content), size, 0);
    if (count !== size) return;
    store.header(content + size, NOTIFY_STORE, 0, 0);
    store.put64(OUT_HEADER, node.id);
    store.put64(OUT_HEADER + 8, 0);
    store.put32(OUT_HEADER + 16, size);
    store.put32(OUT_HEADER + 20, 0);
    node.stored = size === 0 || this.device.send(store.bytes, content + size) === 0;
    if (node.stored) this.closeData(node);
  }

  /** The descriptor of an open file, opened now where its data had gone to the page cache. */
  private fdOf(node: Node): number {
    if (node.fd < 0) node.fd = openData(this.stack, node.entry);
    return node.fd;
  }

  /** struct fuse_read_in: fh, offset, size. */
  private readonly read: Operation = (request, reply) => {
    const node = this.node(request);
    const offset = Number(request.bytes.readBigUInt64LE(IN_HEADER + 8));
    const size = Math.min(request.bytes.readUInt32LE(IN_HEADER + 16), MAX_PAYLOAD);
    const count = readFile(this.fdOf(node), reply.bytes.subarray(OUT_HEADER), size, offset);
    return count < 0 ? refuse(-count, 'read') : count;
  };

  /** struct fuse_lseek_in: fh, offset, whence (SEEK_DATA, SEEK_HOLE). */
  private readonly lseek: Operation = (request, reply) => {
    const node = this.node(request);
    const offset = Number(request.bytes.readBigUInt64LE(IN_HEADER + 8));
    const found = seekFile(this.fdOf(node), offset, request.bytes.readUInt32LE(IN_HEADER + 16));
    if (found < 0) refuse(-found, 'lseek');
    reply.put64(OUT_HEADER, found);
    return 8;
  };

  private readonly release: Operation = (request) => {
    const node = this.node(request);
    node.opens -= 1;
    if (node.opens > 0) return 0;
    if (node.backingId > 0) this.device.closeBacking(node.backingId);
    node.backingId = 0;
    this.closeData(node);
    return 0;
  };

  /** struct fuse_kstatfs, of the upper or the first lower (semantics 4.7). */
  private readonly statfs: Operation = (_request, reply) => {
    const values = statfsSync(Buffer.from(this.stack.layers[0]!.path, 'latin1'));
    const out = OUT_HEADER;
    reply.bytes.fill(0, out, out + 80);
    reply.put64(out, values.blocks);
    reply.put64(out + 8, values.bfree);
    reply.put64(out + 16, values.bavail);
    reply.put64(out + 24, values.files);
    reply.put64(out + 32, values.ffree);
    reply.put32(out + 40, values.bsize);
    reply.put32(out + 44, this.stack.nameMax);
    reply.put32(out + 48, values.bsize);
    return 80;
  };

  private readonly getxattr: Operation = (request, reply) => {
    const value = getXattr(this.stack, this.node(request).entry, nameAt(request, IN_HEADER + 8));
    // Most are asked for attributes that no file has: an exception each would cost more than the answer.
    if (typeof value === 'number') return failure(-value);
    return sized(request, reply, value);
  };

  private readonly listxattr: Operation = (request, reply) => {
    const names = listXattrs(this.stack, this.node(request).entry);
    // The kernel shows trusted.* only to those who have CAP_SYS_ADMIN; here that is root.
    const visible = request.uid === 0 ? names : names.filter((name) => !name.startsWith('trusted.'));
    return sized(request, reply, visible.map((name) => `${name}\0`).join(''));
  };
}

/** Answers GETXATTR and LISTXATTR: the size alone where none was given, else the bytes. */
function sized({ bytes }: Request, reply: Reply, value: ByteString): number {
  const room = bytes.readUInt32LE(IN_HEADER);
  if (room === 0) {
    reply.put64(OUT_HEADER, value.length);
    return 8;
  }
  if (value.length > room) refuse(ERRNO.ERANGE, 'xattr');
  reply.putBytes(OUT_HEADER, value);
  return value.length;
}
