// SPDX-License-Identifier: MIT
import { statfsSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import { pathOf } from '../overlay/entry';
import { readLink } from '../overlay/file-data';
import type { OverlayStack } from '../overlay/stack';
import { syncDirectory } from '../overlay/sync-directory';
import { getXattr, listXattrs } from '../overlay/xattrs';
import { ERRNO } from '../system/libc';
import { isFullRoot } from '../system/privilege';
import { AttributeChanges } from './attribute-changes';
import type { FuseDevice } from './device';
import { DirectoryReader } from './directory-reader';
import { discardLive, type DiscardOrder, type Stale } from './live-discard';
import { NameChanges } from './name-changes';
import { Notices } from './notices';
import { OpenFiles } from './open-files';
import {
  ATTR_BYTES,
  ENTRY_OUT,
  IN_HEADER,
  INIT,
  INIT2,
  FUSE_MAJOR,
  FUSE_MINOR,
  NAME_AT,
  OPCODE,
  OUT_HEADER,
} from './protocol';
import { FOREVER, type Reply } from './reply';
import { AT } from './shared-counts';
import { failure, MAX_PAYLOAD, MAX_WRITE, nameAt, NO_REPLY, type Operation, type Request } from './session';
import { refuse, Tree } from './tree';

/** The merged tree as a file system, request by request (include/uapi/linux/fuse.h, semantics 2 and 3). */
export class OverlayFileSystem {
  readonly operations: Map<number, Operation>;
  private readonly tree: Tree;
  private readonly directories: DirectoryReader;
  private readonly files: OpenFiles;

  constructor(
    private readonly stack: OverlayStack,
    device: FuseDevice,
  ) {
    this.tree = new Tree(stack);
    this.directories = new DirectoryReader(stack, this.tree);
    const names = new NameChanges(stack, this.tree);
    this.files = new OpenFiles(stack, device, this.tree, names);
    this.operations = new Map<number, Operation>([
      [OPCODE.INIT, this.init],
      [OPCODE.LOOKUP, this.lookup],
      [OPCODE.FORGET, this.forget],
      [OPCODE.BATCH_FORGET, this.batchForget],
      [OPCODE.GETATTR, this.getattr],
      [OPCODE.READLINK, this.readlink],
      [OPCODE.READDIR, (request, reply) => this.directories.readdir(request, reply, false)],
      [OPCODE.READDIRPLUS, (request, reply) => this.directories.readdir(request, reply, true)],
      ...this.files.operations,
      [OPCODE.STATFS, this.statfs],
      [OPCODE.GETXATTR, this.getxattr],
      [OPCODE.LISTXATTR, this.listxattr],
      [OPCODE.INTERRUPT, () => NO_REPLY],
      [OPCODE.DESTROY, () => 0],
    ]);
    if (!stack.area) return;
    const changes = [...names.operations, ...new AttributeChanges(stack, this.tree).operations];
    for (const [opcode, operation] of [...changes, ...this.files.operations])
      this.operations.set(opcode, this.tellingOfStale(operation, new Notices(device)));
    this.operations.set(OPCODE.OPENDIR, (request, reply) => this.directories.open(request, reply));
    this.operations.set(OPCODE.RELEASEDIR, (request) => this.directories.release(request));
    this.operations.set(OPCODE.FSYNCDIR, this.fsyncdir);
  }

  /** A copy-up changes links and numbers that the kernel has kept (semantics 3.4, 3.5), a failed rename times. */
  private tellingOfStale(operation: Operation, notices: Notices): Operation {
    const { stale } = this.stack.area!;
    return (request, reply) => {
      let answered = 0;
      try {
        const length = operation(request, reply);
        // The answer to a SETATTR itself has the attributes of its node.
        if (request.opcode === OPCODE.SETATTR) answered = request.nodeId;
        return length;
      } finally {
        if (stale.length > 0)
          for (const { id } of this.tree.takeStale()) if (id !== answered) notices.attributesChanged(id);
      }
    };
  }

  /** See `discardLive`. The caller tells the kernel what is stale. */
  discard(order: DiscardOrder): Stale {
    return discardLive(this.stack, this.tree, order);
  }

  /** Writes down what was done so far, for the thread that reports it. */
  tell(shared: Float64Array): void {
    shared[AT.nodes] = this.tree.nodes.size;
    shared[AT.bytesRead] = this.files.counts.read;
    shared[AT.bytesWritten] = this.files.counts.written;
    const { area } = this.stack;
    if (!area) return;
    shared[AT.copyUps] = area.counts.copyUps;
    shared[AT.copyUpBytes] = area.counts.copyUpBytes;
  }

  /** The path that a request is about: that of its node, or of the name in it. */
  pathOf(request: Request): ByteString {
    const node = this.tree.nodes.get(request.nodeId);
    if (!node) return `node ${request.nodeId}`;
    const path = pathOf(node.entry);
    const at = NAME_AT[request.opcode];
    if (at === undefined) return path;
    return `${path === '/' ? '' : path}/${nameAt(request, IN_HEADER + at)}`;
  }

  /** One piece of work for a moment without requests. Returns false where there is none. */
  idle(): boolean {
    return this.directories.idle();
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
    this.files.passthrough = (flags2 & INIT2.PASSTHROUGH) !== 0 && isFullRoot();
    const writing =
      INIT.ATOMIC_O_TRUNC | INIT.BIG_WRITES | INIT.DONT_MASK | INIT.HANDLE_KILLPRIV_V2 | INIT.SETXATTR_EXT;
    const wanted =
      (this.stack.area ? writing : INIT.NO_OPENDIR_SUPPORT) |
      INIT.ASYNC_READ |
      INIT.DO_READDIRPLUS |
      INIT.PARALLEL_DIROPS |
      (this.stack.posixAcl ? INIT.POSIX_ACL : 0) |
      INIT.MAX_PAGES |
      INIT.CACHE_SYMLINKS |
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
    const wanted2 = INIT2.DIRECT_IO_ALLOW_MMAP | (this.files.passthrough ? INIT2.PASSTHROUGH : 0);
    reply.put32(out + 32, (flags2 & wanted2) >>> 0);
    reply.put32(out + 36, this.files.passthrough ? 1 : 0);
    return 64;
  };

  private readonly lookup: Operation = (request, reply) => {
    const node = this.tree.lookedUp(this.tree.node(request), nameAt(request));
    if (node) this.tree.handOut(reply, OUT_HEADER, node);
    else reply.putNegativeEntry(OUT_HEADER);
    return ENTRY_OUT;
  };

  private readonly forget: Operation = ({ nodeId, bytes }) => {
    this.tree.nodes.forget(nodeId, Number(bytes.readBigUInt64LE(IN_HEADER)));
    return NO_REPLY;
  };

  private readonly batchForget: Operation = ({ bytes }) => {
    const count = bytes.readUInt32LE(IN_HEADER);
    for (let at = IN_HEADER + 8; at < IN_HEADER + 8 + count * 16; at += 16) {
      this.tree.nodes.forget(Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8)));
    }
    return NO_REPLY;
  };

  private readonly getattr: Operation = (request, reply) => {
    const node = this.tree.node(request);
    if (node.entry.upper && this.stack.area) this.tree.update(node);
    reply.put64(OUT_HEADER, FOREVER);
    reply.put64(OUT_HEADER + 8, 0);
    reply.putAttributes(OUT_HEADER + 16, node.attributes);
    return 16 + ATTR_BYTES;
  };

  private readonly readlink: Operation = (request, reply) => {
    const target = readLink(this.stack, this.tree.node(request).entry);
    reply.putBytes(OUT_HEADER, target);
    return target.length;
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

  private readonly fsyncdir: Operation = (request) => {
    // The kernel takes it for done, and does not ask again.
    if (this.stack.area!.isVolatile) return failure(ERRNO.ENOSYS);
    const result = syncDirectory(this.stack, this.tree.node(request).entry);
    return result < 0 ? failure(-result) : 0;
  };

  private readonly getxattr: Operation = (request, reply) => {
    const value = getXattr(this.stack, this.tree.node(request).entry, nameAt(request, IN_HEADER + 8));
    // Most are asked for attributes that no file has: an exception each would cost more than the answer.
    if (typeof value === 'number') return failure(-value);
    return sized(request, reply, value);
  };

  private readonly listxattr: Operation = (request, reply) => {
    const names = listXattrs(this.stack, this.tree.node(request).entry);
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
