// SPDX-License-Identifier: MIT
import { topOf } from '../overlay/entry';
import { dataOf, openData } from '../overlay/file-data';
import type { OverlayStack } from '../overlay/stack';
import { closeFile, readFile, seekFile } from '../system/files';
import { ERRNO } from '../system/libc';
import { statFd } from '../system/stat';
import type { FuseDevice } from './device';
import type { Node } from './node-table';
import { FOPEN, IN_HEADER, NOTIFY_STORE, OUT_HEADER } from './protocol';
import { refuse, type Tree } from './tree';
import { Reply } from './reply';
import { MAX_PAYLOAD, type Operation } from './session';

/**
 * Files up to this size go into the page cache with their first open, so that no READ follows. Above it passthrough
 * starts to pay: registering a backing file costs more than reading a small one.
 */
const STORE_BYTES = 128 * 1024;

/** OPEN, READ, LSEEK and RELEASE: how the data of files reach their readers. */
export class OpenFiles {
  /** The kernel takes backing files, and reads them by itself. */
  passthrough = false;
  private readonly stored = new Reply(40 + STORE_BYTES);

  constructor(
    private readonly stack: OverlayStack,
    private readonly device: FuseDevice,
    private readonly tree: Tree,
  ) {}

  readonly open: Operation = (request, reply) => {
    const node = this.tree.node(request);
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
    if (node.entry.lazyData !== null) node.attributes = this.tree.attributesOf(node.entry);
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
    if (node.stored) this.closeData(node);
  }

  /** The descriptor of an open file, opened now where its data had gone to the page cache. */
  private fdOf(node: Node): number {
    if (node.fd < 0) node.fd = openData(this.stack, node.entry);
    return node.fd;
  }

  /** struct fuse_read_in: fh, offset, size. */
  readonly read: Operation = (request, reply) => {
    const node = this.tree.node(request);
    const offset = Number(request.bytes.readBigUInt64LE(IN_HEADER + 8));
    const size = Math.min(request.bytes.readUInt32LE(IN_HEADER + 16), MAX_PAYLOAD);
    const count = readFile(this.fdOf(node), reply.bytes.subarray(OUT_HEADER), size, offset);
    return count < 0 ? refuse(-count, 'read') : count;
  };

  /** struct fuse_lseek_in: fh, offset, whence (SEEK_DATA, SEEK_HOLE). */
  readonly lseek: Operation = (request, reply) => {
    const node = this.tree.node(request);
    const offset = Number(request.bytes.readBigUInt64LE(IN_HEADER + 8));
    const found = seekFile(this.fdOf(node), offset, request.bytes.readUInt32LE(IN_HEADER + 16));
    if (found < 0) refuse(-found, 'lseek');
    reply.put64(OUT_HEADER, found);
    return 8;
  };

  readonly release: Operation = (request) => {
    const node = this.tree.node(request);
    node.opens -= 1;
    if (node.opens > 0) return 0;
    if (node.backingId > 0) this.device.closeBacking(node.backingId);
    node.backingId = 0;
    this.closeData(node);
    return 0;
  };
}
