// SPDX-License-Identifier: MIT
import { createNameless } from '../overlay/create';
import { topOf, type Real } from '../overlay/entry';
import { dataOf, openData, openUpper } from '../overlay/file-data';
import { inodeKey } from '../overlay/inode-key';
import { isForWriting, prepareWrite } from '../overlay/open-write';
import { dropCapability, dropPrivileges } from '../overlay/set-attributes';
import type { OverlayStack } from '../overlay/stack';
import { allocate, cannotCopyRange, copyRange, sendRange, syncFile, truncateFd, writeAt } from '../system/file-content';
import { closeFile, O_TRUNC, readFile, seekFile } from '../system/files';
import { ERRNO, must } from '../system/libc';
import { statFd } from '../system/stat';
import type { FuseDevice } from './device';
import type { NameChanges } from './name-changes';
import type { Node } from './node-table';
import { ENTRY_OUT, FOPEN, IN_HEADER, NOTIFY_STORE, OPCODE, OUT_HEADER } from './protocol';
import { refuse, type Tree } from './tree';
import { Reply } from './reply';
import { failure, MAX_PAYLOAD, nameAt, type Operation, type Request } from './session';

/**
 * Files up to this size go into the page cache with their first open, so that no READ follows. Above it passthrough
 * starts to pay: registering a backing file costs more than reading a small one.
 */
const STORE_BYTES = 128 * 1024;

const READER = 0;
const WRITER = 1;
const FUSE_OPEN_KILL_SUIDGID = 1;
const FUSE_WRITE_KILL_SUIDGID = 4;
const FUSE_FSYNC_FDATASYNC = 1;
/** The answer to COPY_FILE_RANGE has 32 bits for the count. */
const MOST_COPIED = 0x7fff_f000;

/** Names of one inode have an object each. */
function isSameObject(a: Real | null, b: Real | null): boolean {
  if (a === b) return true;
  return a !== null && b !== null && a.layer === b.layer && inodeKey(a.stat) === inodeKey(b.stat);
}

/** Bytes that went through us; what passthrough moves, the kernel moves by itself. */
export interface DataCounts {
  read: number;
  written: number;
}

/** OPEN, CREATE, READ, WRITE, …: how the data of files reach their readers and come from their writers. */
export class OpenFiles {
  /** The kernel takes backing files, and reads and writes them by itself. */
  passthrough = false;
  readonly counts: DataCounts = { read: 0, written: 0 };
  private readonly stored = new Reply(40 + STORE_BYTES);
  readonly operations: readonly (readonly [number, Operation])[] = [
    [OPCODE.OPEN, (request, reply) => this.open(request, reply)],
    [OPCODE.CREATE, (request, reply) => this.create(request, reply)],
    [OPCODE.TMPFILE, (request, reply) => this.tmpfile(request, reply)],
    [OPCODE.READ, (request, reply) => this.read(request, reply)],
    [OPCODE.WRITE, (request, reply) => this.write(request, reply)],
    [OPCODE.LSEEK, (request, reply) => this.lseek(request, reply)],
    [OPCODE.FALLOCATE, (request) => this.fallocate(request)],
    [OPCODE.COPY_FILE_RANGE, (request, reply) => this.copyFileRange(request, reply)],
    [OPCODE.COPY_FILE_RANGE_64, (request, reply) => this.copyFileRange(request, reply)],
    [OPCODE.FSYNC, (request) => this.fsync(request)],
    [OPCODE.RELEASE, (request) => this.release(request)],
  ];

  constructor(
    private readonly stack: OverlayStack,
    private readonly device: FuseDevice,
    private readonly tree: Tree,
    private readonly names: NameChanges,
  ) {}

  /** struct fuse_open_in: flags, open_flags. */
  private open(request: Request, reply: Reply): number {
    const node = this.tree.node(request);
    const flags = request.bytes.readUInt32LE(IN_HEADER);
    const writes = isForWriting(flags);
    if (writes) this.openForWriting(node, flags, request.bytes.readUInt32LE(IN_HEADER + 4));
    return this.putOpen(reply, OUT_HEADER, node, writes);
  }

  private openForWriting(node: Node, flags: number, openFlags: number): void {
    prepareWrite(this.stack, node.entry, flags);
    const fd = this.writableFd(node);
    if ((flags & O_TRUNC) === 0) return;
    must(truncateFd(fd, 0), 'truncate', node.entry.name);
    node.stored = false;
    this.afterWrite(node, (openFlags & FUSE_OPEN_KILL_SUIDGID) !== 0);
    this.tree.update(node);
  }

  /** struct fuse_create_in: flags, mode, umask, open_flags. */
  private create(request: Request, reply: Reply): number {
    const { bytes } = request;
    const parent = this.tree.node(request);
    const object = { mode: bytes.readUInt32LE(IN_HEADER + 4), major: 0, minor: 0, target: '' };
    const umask = bytes.readUInt32LE(IN_HEADER + 8);
    const { node, fd } = this.names.create(parent, request, nameAt(request, IN_HEADER + 16), object, umask);
    return this.putCreated(reply, node, fd);
  }

  private tmpfile(request: Request, reply: Reply): number {
    const { bytes, uid, gid } = request;
    const parent = this.tree.node(request);
    const mode = bytes.readUInt32LE(IN_HEADER + 4);
    const caller = { uid, gid, umask: bytes.readUInt32LE(IN_HEADER + 8) };
    const { entry, fd } = createNameless(this.stack, parent.entry, mode, caller);
    return this.putCreated(reply, this.tree.adoptNameless(entry), fd);
  }

  private putCreated(reply: Reply, node: Node, fd: number): number {
    node.fd = fd;
    node.fdReal = node.entry.upper;
    node.fdWritable = true;
    this.tree.handOut(reply, OUT_HEADER, node, true);
    return ENTRY_OUT + this.putOpen(reply, OUT_HEADER + ENTRY_OUT, node, true);
  }

  private putOpen(reply: Reply, at: number, node: Node, writes: boolean): number {
    if (node.opens === 0) this.openFirst(node, writes);
    node.opens += 1;
    if (writes) node.writers += 1;
    // The handle says at the release whether it was a writer's.
    reply.put64(at, writes ? WRITER : READER);
    reply.put32(at + 8, node.openFlags);
    reply.put32(at + 12, node.backingId);
    return 16;
  }

  /** Decides how the data reach the reader, for as long as anyone has the file open. */
  private openFirst(node: Node, writes: boolean): void {
    node.openFlags = FOPEN.KEEP_CACHE;
    // The kernel has the whole file from an earlier open; should it drop pages, READ opens the data again.
    if (node.stored && !writes) return;
    const fd = this.fdOf(node);
    const { size } = node.attributes.stat;
    const real = this.dataSize(node);
    if (this.mayPassThrough(node) && (writes || size > STORE_BYTES || real !== size)) {
      node.backingId = Math.max(this.device.openBacking(fd), 0);
    }
    if (node.backingId > 0) {
      node.openFlags = FOPEN.PASSTHROUGH;
      // The kernel drops its pages now, and what is written goes past them.
      node.stored = false;
    }
    // The kernel serves the real data, longer or shorter than the size that stat shows (semantics 2.6).
    else if (real !== size) node.openFlags = FOPEN.DIRECT_IO;
    else if (!writes && !node.everOpened && size <= STORE_BYTES) this.storeData(node, size);
    node.everOpened = true;
    if (node.entry.lazyData !== null) this.tree.update(node);
  }

  /**
   * A file that may yet be copied up is not passed through: who has it open would go on reading the lower, and the
   * kernel's overlayfs shows everyone the copy (semantics 4.2).
   */
  private mayPassThrough({ entry }: Node): boolean {
    return this.passthrough && (!this.stack.area || (entry.upper !== null && !entry.metacopy));
  }

  private closeData(node: Node): void {
    if (node.fd >= 0) closeFile(node.fd);
    node.fd = -1;
    node.fdReal = null;
    node.fdWritable = false;
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
    const { stored: store } = this;
    const content = OUT_HEADER + 24;
    const count = readFile(node.fd, store.bytes.subarray(content), size, 0);
    if (count !== size) return;
    store.header(content + size, NOTIFY_STORE, 0, 0);
    store.put64(OUT_HEADER, node.id);
    store.put64(OUT_HEADER + 8, 0);
    store.put32(OUT_HEADER + 16, size);
    store.put32(OUT_HEADER + 20, 0);
    node.stored = size === 0 || this.device.send(store.bytes, content + size) === 0;
    this.counts.read += size;
    if (node.stored) this.closeData(node);
  }

  /** The descriptor of an open file: opened now where its data had gone to the page cache, or were copied up since. */
  private fdOf(node: Node): number {
    const real = dataOf(node.entry);
    if (node.fd >= 0 && isSameObject(node.fdReal, real)) return node.fd;
    this.closeData(node);
    node.fd = openData(this.stack, node.entry);
    node.fdReal = real;
    return node.fd;
  }

  private writableFd(node: Node): number {
    if (node.fd >= 0 && node.fdWritable && isSameObject(node.fdReal, node.entry.upper)) return node.fd;
    this.closeData(node);
    node.fd = openUpper(this.stack, node.entry);
    node.fdReal = node.entry.upper;
    node.fdWritable = true;
    return node.fd;
  }

  /** struct fuse_read_in: fh, offset, size. */
  private read(request: Request, reply: Reply): number {
    const node = this.tree.node(request);
    const offset = Number(request.bytes.readBigUInt64LE(IN_HEADER + 8));
    const size = Math.min(request.bytes.readUInt32LE(IN_HEADER + 16), MAX_PAYLOAD);
    const count = readFile(this.fdOf(node), reply.bytes.subarray(OUT_HEADER), size, offset);
    if (count < 0) return failure(-count);
    this.counts.read += count;
    return count;
  }

  /** struct fuse_write_in: fh, offset, size, write_flags, …; 40 bytes before the data. */
  private write(request: Request, reply: Reply): number {
    const { bytes } = request;
    const node = this.tree.node(request);
    const offset = Number(bytes.readBigUInt64LE(IN_HEADER + 8));
    const size = bytes.readUInt32LE(IN_HEADER + 16);
    const data = bytes.subarray(IN_HEADER + 40, IN_HEADER + 40 + size);
    const count = writeAt(this.writableFd(node), data, size, offset);
    if (count < 0) return failure(-count);
    this.afterWrite(node, (bytes.readUInt32LE(IN_HEADER + 20) & FUSE_WRITE_KILL_SUIDGID) !== 0);
    this.counts.written += count;
    reply.put64(OUT_HEADER, count);
    return 8;
  }

  /** struct fuse_lseek_in: fh, offset, whence (SEEK_DATA, SEEK_HOLE). */
  private lseek(request: Request, reply: Reply): number {
    const node = this.tree.node(request);
    const offset = Number(request.bytes.readBigUInt64LE(IN_HEADER + 8));
    const found = seekFile(this.fdOf(node), offset, request.bytes.readUInt32LE(IN_HEADER + 16));
    if (found < 0) refuse(-found, 'lseek');
    reply.put64(OUT_HEADER, found);
    return 8;
  }

  /** struct fuse_fallocate_in: fh, offset, length, mode. */
  private fallocate(request: Request): number {
    const { bytes } = request;
    const node = this.tree.node(request);
    const offset = Number(bytes.readBigUInt64LE(IN_HEADER + 8));
    const length = Number(bytes.readBigUInt64LE(IN_HEADER + 16));
    const result = allocate(this.writableFd(node), bytes.readUInt32LE(IN_HEADER + 24), offset, length);
    if (result < 0) return failure(-result);
    this.afterWrite(node, request.uid !== 0);
    return 0;
  }

  /** A write takes file capabilities away, and from who lacks CAP_FSETID the set-id bits. */
  private afterWrite(node: Node, dropsSetId: boolean): void {
    if (dropsSetId) dropPrivileges(this.stack, node.entry);
    else dropCapability(this.stack, node.entry);
  }

  /** struct fuse_copy_file_range_in: fh_in, off_in, nodeid_out, fh_out, off_out, len, flags. */
  private copyFileRange(request: Request, reply: Reply): number {
    const word = (index: number): number => Number(request.bytes.readBigUInt64LE(IN_HEADER + 8 * index));
    const from = this.fdOf(this.tree.node(request));
    const target = this.tree.byId(word(2));
    const to = this.writableFd(target);
    const length = Math.min(word(5), MOST_COPIED);
    let count = copyRange(from, word(1), to, word(4), length);
    if (count < 0 && cannotCopyRange(-count) && word(6) === 0) count = sendRange(from, word(1), to, word(4), length);
    if (count < 0) return failure(-count);
    this.afterWrite(target, request.uid !== 0);
    this.counts.written += count;
    reply.put64(OUT_HEADER, count);
    return 8;
  }

  /** struct fuse_fsync_in: fh, fsync_flags. What is not in the upper has nothing to sync (semantics 6). */
  private fsync(request: Request): number {
    const { area } = this.stack;
    // The kernel takes it for done, and does not ask again.
    if (!area || area.isVolatile) return failure(ERRNO.ENOSYS);
    const node = this.tree.node(request);
    if (!node.entry.upper) return 0;
    const dataOnly = (request.bytes.readUInt32LE(IN_HEADER + 8) & FUSE_FSYNC_FDATASYNC) !== 0;
    const result = syncFile(this.fdOf(node), dataOnly);
    return result < 0 ? failure(-result) : 0;
  }

  private release(request: Request): number {
    const node = this.tree.node(request);
    node.opens -= 1;
    if (Number(request.bytes.readBigUInt64LE(IN_HEADER)) === WRITER) node.writers -= 1;
    if (node.opens > 0) return 0;
    if (node.backingId > 0) this.device.closeBacking(node.backingId);
    node.backingId = 0;
    this.closeData(node);
    return 0;
  }
}
