// SPDX-License-Identifier: MIT
import { KEEP_ID, type TimeChange } from '../system/attributes';
import {
  dropPrivileges,
  fileFlagsOf,
  removeXattr,
  setAttributes,
  setFileFlagsOf,
  setXattr,
  type AttributeChange,
} from '../overlay/set-attributes';
import { topOf } from '../overlay/entry';
import { ACL_ACCESS } from '../overlay/posix-acl';
import type { OverlayStack } from '../overlay/stack';
import {
  extendedFlags,
  FS_IOC_FSGETXATTR,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
  FSXATTR_BYTES,
} from '../system/file-flags';
import { ERRNO } from '../system/libc';
import { credentialsOf } from '../system/process-credentials';
import { isDirectory, type Stat } from '../system/stat';
import type { Node } from './node-table';
import { ATTR_BYTES, IN_HEADER, OPCODE, OUT_HEADER } from './protocol';
import { FOREVER, type Reply } from './reply';
import { failure, nameAt, type Operation, type Request } from './session';
import { refuse, type Tree } from './tree';

/** FATTR_* bits of struct fuse_setattr_in. */
const FATTR = {
  MODE: 1,
  UID: 2,
  GID: 4,
  SIZE: 8,
  ATIME: 16,
  MTIME: 32,
  ATIME_NOW: 128,
  MTIME_NOW: 256,
  KILL_SUIDGID: 2048,
} as const;

const CHANGES = FATTR.MODE | FATTR.SIZE | FATTR.ATIME | FATTR.MTIME | FATTR.ATIME_NOW | FATTR.MTIME_NOW;

const FUSE_SETXATTR_ACL_KILL_SGID = 1;
const S_ISGID = 0o2000;

/** Requests that change metadata: SETATTR, SETXATTR, REMOVEXATTR, and the ioctls of chattr(1). */
export class AttributeChanges {
  readonly operations: readonly (readonly [number, Operation])[] = [
    [OPCODE.SETATTR, (request, reply) => this.setattr(request, reply)],
    [OPCODE.SETXATTR, (request) => this.setxattr(request)],
    [OPCODE.REMOVEXATTR, (request) => this.removexattr(request)],
    [OPCODE.IOCTL, (request, reply) => this.ioctl(request, reply)],
  ];

  constructor(
    private readonly stack: OverlayStack,
    private readonly tree: Tree,
  ) {}

  private setattr(request: Request, reply: Reply): number {
    const node = this.tree.node(request);
    const change = readChange(request);
    if (isEmpty(change)) this.dropSetId(node, request.uid, change);
    else setAttributes(this.stack, node.entry, change);
    this.tree.update(node, !isEmpty(change));
    reply.put64(OUT_HEADER, FOREVER);
    reply.put64(OUT_HEADER + 8, 0);
    reply.putAttributes(OUT_HEADER + 16, node.attributes);
    return 16 + ATTR_BYTES;
  }

  /** A request without any change: see `readChange`. */
  private dropSetId(node: Node, uid: number, change: AttributeChange): void {
    if (node.writers === 0) {
      refuseForeigner(uid, node.attributes.stat);
      setAttributes(this.stack, node.entry, change);
    } else if (uid !== 0) {
      // The kernel asks only where something is to go; who is in the group may keep that bit where none may execute.
      dropPrivileges(this.stack, node.entry, true);
    }
    // Before a write of root's only file capabilities go, and they have gone by a request of their own.
  }

  /** struct fuse_setxattr_in with its extension: size, flags, setxattr_flags. */
  private setxattr(request: Request): number {
    const { bytes } = request;
    const node = this.tree.node(request);
    const size = bytes.readUInt32LE(IN_HEADER);
    const flags = bytes.readUInt32LE(IN_HEADER + 4);
    const name = nameAt(request, IN_HEADER + 16);
    const start = IN_HEADER + 16 + name.length + 1;
    setXattr(this.stack, node.entry, name, bytes.toString('latin1', start, start + size), flags);
    const killsGroup = (bytes.readUInt32LE(IN_HEADER + 8) & FUSE_SETXATTR_ACL_KILL_SGID) !== 0;
    const { mode } = topOf(node.entry).stat;
    if (killsGroup && name === ACL_ACCESS && (mode & S_ISGID) !== 0)
      setAttributes(this.stack, node.entry, { mode: mode & ~S_ISGID });
    return 0;
  }

  /** The kernel says nothing of set-group-ID when an ACL goes; its own overlay drops it then, too (ovl_set_acl). */
  private removexattr(request: Request): number {
    const { entry, attributes } = this.tree.node(request);
    const name = nameAt(request);
    const { mode } = topOf(entry).stat;
    if (name === ACL_ACCESS && (mode & S_ISGID) !== 0 && !mayKeepGroup(request, attributes.stat.gid))
      setAttributes(this.stack, entry, { mode: mode & ~S_ISGID });
    removeXattr(this.stack, entry, name);
    return 0;
  }

  /** struct fuse_ioctl_in: fh, flags, cmd, arg, in_size, out_size; the answer's struct is 16 bytes. */
  private ioctl(request: Request, reply: Reply): number {
    const { bytes } = request;
    const { entry } = this.tree.node(request);
    const command = bytes.readUInt32LE(IN_HEADER + 12);
    reply.bytes.fill(0, OUT_HEADER, OUT_HEADER + 24);
    if (command === FS_IOC_GETFLAGS) {
      reply.put32(OUT_HEADER + 16, fileFlagsOf(this.stack, entry));
      return 16 + Math.min(8, bytes.readUInt32LE(IN_HEADER + 28));
    }
    if (command === FS_IOC_FSGETXATTR) {
      // What the kernel asks before it sets flags; extents and projects are none of ours.
      reply.bytes.fill(0, OUT_HEADER + 16, OUT_HEADER + 16 + FSXATTR_BYTES);
      reply.put32(OUT_HEADER + 16, extendedFlags(fileFlagsOf(this.stack, entry)));
      return 16 + FSXATTR_BYTES;
    }
    if (command !== FS_IOC_SETFLAGS) return failure(ERRNO.ENOTTY);
    setFileFlagsOf(this.stack, entry, bytes.readUInt32LE(IN_HEADER + 32));
    return 16;
  }
}

/** struct fuse_setattr_in. */
function readChange({ bytes }: Request): AttributeChange {
  const valid = bytes.readUInt32LE(IN_HEADER);
  const has = (bit: number): boolean => (valid & bit) !== 0;
  const word = (at: number): number => bytes.readUInt32LE(IN_HEADER + at);
  const time = (bit: number, now: number, seconds: number, nanoseconds: number): TimeChange | undefined => {
    if (has(now)) return 'now';
    if (!has(bit)) return undefined;
    return { seconds: Number(bytes.readBigInt64LE(IN_HEADER + seconds)), nanoseconds: word(nanoseconds) };
  };
  const atime = time(FATTR.ATIME, FATTR.ATIME_NOW, 32, 56);
  const mtime = time(FATTR.MTIME, FATTR.MTIME_NOW, 40, 60);
  // A request without any change drops set-id bits: it comes before a write by who may not keep them, also where the
  // kernel then writes by itself, and for a chown(2) that changes nothing.
  const owner = has(FATTR.UID) || has(FATTR.GID) || (valid & CHANGES) === 0;
  return {
    ...(has(FATTR.MODE) ? { mode: word(68) } : {}),
    ...(owner ? { uid: has(FATTR.UID) ? word(76) : KEEP_ID, gid: has(FATTR.GID) ? word(80) : KEEP_ID } : {}),
    ...(has(FATTR.SIZE) ? { size: Number(bytes.readBigUInt64LE(IN_HEADER + 16)) } : {}),
    ...(atime === undefined ? {} : { atime }),
    ...(mtime === undefined ? {} : { mtime }),
    dropSetId: has(FATTR.KILL_SUIDGID) && has(FATTR.SIZE),
  };
}

/** chown(2) without an owner and a group: see `readChange`. */
const isEmpty = ({ uid, gid }: AttributeChange): boolean => uid === KEEP_ID && gid === KEEP_ID;

/** Whether the caller may keep set-group-ID on a file of that group. */
function mayKeepGroup({ uid, gid, pid }: Request, group: number): boolean {
  if (uid === 0 || gid === group) return true;
  const credentials = credentialsOf(pid);
  return credentials !== null && (credentials.keepsSetId || credentials.groups.includes(group));
}

/** To drop set-id bits is to change the mode, which only the owner may; the kernel has left that check to us. */
function refuseForeigner(caller: number, { uid, mode }: Stat): void {
  const S_ISUID = 0o4000;
  const GROUP = 0o2010;
  if (isDirectory(mode)) return;
  const drops = (mode & S_ISUID) !== 0 || (mode & GROUP) === GROUP;
  if (drops && caller !== 0 && caller !== uid) refuse(ERRNO.EPERM, 'chown');
}
