// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { createObject, linkObject, type Created, type NewObject } from '../overlay/create';
import { topOf } from '../overlay/entry';
import { refuseProtected } from '../overlay/protection';
import { removeName, release } from '../overlay/remove';
import { renameEntry } from '../overlay/rename';
import type { OverlayStack } from '../overlay/stack';
import { FS_IMMUTABLE_FL } from '../system/file-flags';
import { ERRNO } from '../system/libc';
import { RENAME_EXCHANGE } from '../system/names';
import { S_IFDIR, S_IFLNK } from '../system/stat';
import type { Node } from './node-table';
import { ENTRY_OUT, IN_HEADER, OPCODE, OUT_HEADER } from './protocol';
import type { Reply } from './reply';
import { nameAt, type Operation, type Request } from './session';
import { refuse, type Tree } from './tree';

/** Requests that change names: MKNOD, MKDIR, SYMLINK, LINK, UNLINK, RMDIR, RENAME (semantics 4.4, 4.5). */
export class NameChanges {
  readonly operations: readonly (readonly [number, Operation])[] = [
    [OPCODE.MKNOD, (request, reply) => this.mknod(request, reply)],
    [OPCODE.MKDIR, (request, reply) => this.mkdir(request, reply)],
    [OPCODE.SYMLINK, (request, reply) => this.symlink(request, reply)],
    [OPCODE.LINK, (request, reply) => this.link(request, reply)],
    [OPCODE.UNLINK, (request) => this.remove(request)],
    [OPCODE.RMDIR, (request) => this.remove(request)],
    [OPCODE.RENAME, (request) => this.rename(request, 8, 0)],
    [OPCODE.RENAME2, (request) => this.rename(request, 16, request.bytes.readUInt32LE(IN_HEADER + 8))],
  ];

  constructor(
    private readonly stack: OverlayStack,
    private readonly tree: Tree,
  ) {}

  /** struct fuse_mknod_in: mode, rdev, umask. */
  private mknod(request: Request, reply: Reply): number {
    const { bytes } = request;
    const device = bytes.readUInt32LE(IN_HEADER + 4);
    const major = (device >>> 8) & 0xfff;
    const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
    const object = { mode: bytes.readUInt32LE(IN_HEADER), major, minor, target: '' };
    return this.make(request, reply, nameAt(request, IN_HEADER + 16), object, bytes.readUInt32LE(IN_HEADER + 8));
  }

  /** struct fuse_mkdir_in: mode, umask. */
  private mkdir(request: Request, reply: Reply): number {
    const { bytes } = request;
    const object = { mode: S_IFDIR | bytes.readUInt32LE(IN_HEADER), major: 0, minor: 0, target: '' };
    return this.make(request, reply, nameAt(request, IN_HEADER + 8), object, bytes.readUInt32LE(IN_HEADER + 4));
  }

  private symlink(request: Request, reply: Reply): number {
    const name = nameAt(request);
    const target = nameAt(request, IN_HEADER + name.length + 1);
    return this.make(request, reply, name, { mode: S_IFLNK | 0o777, major: 0, minor: 0, target }, 0);
  }

  private make(request: Request, reply: Reply, name: ByteString, object: NewObject, umask: number): number {
    const { node } = this.create(this.tree.node(request), request, name, object, umask);
    this.tree.handOut(reply, OUT_HEADER, node, true);
    return ENTRY_OUT;
  }

  /** Makes an object and its node. The caller closes the descriptor that comes with a regular file. */
  create(
    parent: Node,
    { uid, gid }: Pick<Request, 'uid' | 'gid'>,
    name: ByteString,
    object: NewObject,
    umask: number,
  ): { readonly node: Node } & Created {
    this.refuseDead(parent);
    if (parent.children?.has(name)) refuse(ERRNO.EEXIST, 'create');
    const created = createObject(this.stack, parent.entry, name, object, { uid, gid, umask });
    this.tree.changed(parent);
    return { node: this.tree.adopt(parent, created.entry), ...created };
  }

  /** struct fuse_link_in: the node that gets another name. */
  private link(request: Request, reply: Reply): number {
    const parent = this.tree.node(request);
    const node = this.tree.byId(Number(request.bytes.readBigUInt64LE(IN_HEADER)));
    const name = nameAt(request, IN_HEADER + 8);
    this.refuseDead(parent);
    if (parent.children?.has(name)) refuse(ERRNO.EEXIST, 'create');
    refuseProtected(this.stack, node.entry);
    const entry = linkObject(this.stack, node.entry, parent.entry, name);
    this.tree.linked(node, parent, entry);
    this.tree.changed(parent);
    this.tree.handOut(reply, OUT_HEADER, node);
    return ENTRY_OUT;
  }

  private remove(request: Request): number {
    const parent = this.tree.node(request);
    const name = nameAt(request);
    const node = this.tree.childOf(parent, name);
    const isDirectory = topOf(node.entry).directory !== null;
    if (isDirectory && request.opcode === OPCODE.UNLINK) refuse(ERRNO.EISDIR, 'unlink');
    if (!isDirectory && request.opcode === OPCODE.RMDIR) refuse(ERRNO.ENOTDIR, 'rmdir');
    refuseProtected(this.stack, parent.entry);
    refuseProtected(this.stack, node.entry);
    const entry = this.tree.entryOf(node, parent, name);
    removeName(this.stack, entry);
    this.gone(node, parent, name, entry);
    this.tree.changed(parent);
    return 0;
  }

  /** @param entry of the name that is gone: the node's own, or one that was looked up for it */
  private gone(node: Node, parent: Node, name: ByteString, entry: Node['entry']): void {
    const byOtherName = entry !== node.entry;
    if (byOtherName) release(entry);
    this.tree.unlinked(node, parent, name);
    if (byOtherName) this.tree.resolveAgain(node);
    // Nobody was told of it, and nobody will forget it.
    if (node.nameless && node.lookups <= 0) this.tree.nodes.remove(node);
  }

  /** struct fuse_rename_in or fuse_rename2_in: the new directory, then both names. */
  private rename(request: Request, head: number, flags: number): number {
    const from = this.tree.node(request);
    const to = this.tree.byId(Number(request.bytes.readBigUInt64LE(IN_HEADER)));
    const oldName = nameAt(request, IN_HEADER + head);
    const newName = nameAt(request, IN_HEADER + head + oldName.length + 1);
    const node = this.tree.childOf(from, oldName);
    const replaced = this.tree.findChild(to, newName);
    this.refuseDead(to);
    for (const each of [from, to, node, replaced]) if (each) refuseProtected(this.stack, each.entry);
    if (flags === RENAME_EXCHANGE && !replaced) refuse(ERRNO.ENOENT, 'rename');
    // Two names of one inode: nothing is to be done (rename(2)).
    if (replaced === node) return 0;
    const entry = this.tree.entryOf(node, from, oldName);
    const target = replaced && this.tree.entryOf(replaced, to, newName);
    renameEntry(this.stack, entry, { parent: to.entry, name: newName, entry: target }, flags);
    if (replaced && flags !== RENAME_EXCHANGE) this.gone(replaced, to, newName, target!);
    this.tree.moved(node, from, oldName, to, newName);
    if (replaced && flags === RENAME_EXCHANGE) this.tree.moved(replaced, to, newName, from, oldName);
    if (entry !== node.entry) this.tree.resolveAgain(node);
    if (replaced && target !== replaced.entry && flags === RENAME_EXCHANGE) this.tree.resolveAgain(replaced);
    this.tree.changed(from);
    this.tree.changed(to);
    return 0;
  }

  /** Nothing comes into a directory that is removed, nor into an immutable one. */
  private refuseDead(directory: Node): void {
    if (directory.nameless) refuse(ERRNO.ENOENT, 'create');
    refuseProtected(this.stack, directory.entry, FS_IMMUTABLE_FL);
  }
}
