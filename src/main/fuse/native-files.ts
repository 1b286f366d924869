// SPDX-License-Identifier: MIT
import { topOf, type Entry, type Real } from '../overlay/entry';
import { dataOf, openData, openUpper } from '../overlay/file-data';
import { inodeKey } from '../overlay/inode-key';
import { isForWriting, prepareWrite } from '../overlay/open-write';
import { dropCapability } from '../overlay/set-attributes';
import type { OverlayStack } from '../overlay/stack';
import { syncFile, truncateFd } from '../system/file-content';
import { closeFile, O_APPEND, O_TRUNC } from '../system/files';
import { ERRNO, must } from '../system/libc';
import { S_IFREG, statFd } from '../system/stat';
import { CACHING, type NativeCall } from './native-call';
import type { NativeNames } from './native-names';
import { OP, type NativeOperations } from './native-operations';
import type { PathTree } from './path-tree';

/** What somebody has open. */
interface OpenFile {
  fd: number;
  /** The inode that `fd` is open on: a copy-up makes it stale. */
  key: string;
  writable: boolean;
}

/** Data that were looked up in a data-only layer stay where they are. */
const LAZY = 'lazy';

const keyOf = (real: Real | null): string => (real ? inodeKey(real.stat) : LAZY);

/** How the data of files reach their readers and come from their writers. */
export class NativeFiles {
  readonly counts = { read: 0, written: 0 };
  private readonly handles = new Map<number, OpenFile>();
  private nextHandle = 1;
  readonly operations: NativeOperations = [
    [OP.open, (call) => this.open(call)],
    [OP.create, (call) => this.create(call)],
    [OP.read, (call) => this.read(call)],
    [OP.write, (call) => this.write(call)],
    [OP.fsync, (call) => this.fsync(call)],
    [OP.release, (call) => this.release(call)],
  ];

  constructor(
    private readonly stack: OverlayStack,
    private readonly tree: PathTree,
    private readonly names: NativeNames,
  ) {}

  private open(call: NativeCall): number {
    const { path, openFlags } = call;
    const entry = this.tree.find(path);
    if (!isForWriting(openFlags)) {
      const fd = openData(this.stack, entry);
      return this.handOut(call, path, entry, { fd, key: keyOf(dataOf(entry)), writable: false });
    }
    prepareWrite(this.stack, entry, openFlags);
    const fd = openUpper(this.stack, entry);
    if ((openFlags & O_TRUNC) !== 0) {
      must(truncateFd(fd, 0), 'truncate', path);
      dropCapability(this.stack, entry);
    }
    return this.handOut(call, path, entry, { fd, key: keyOf(entry.upper), writable: true });
  }

  private create(call: NativeCall): number {
    const { path, mode } = call;
    const { entry, fd } = this.names.create(path, { mode: S_IFREG | mode, major: 0, minor: 0, target: '' });
    return this.handOut(call, path, entry, { fd, key: keyOf(entry.upper), writable: true });
  }

  private handOut(call: NativeCall, path: string, entry: Entry, file: OpenFile): number {
    const handle = this.nextHandle++;
    this.handles.set(handle, file);
    if (this.stack.area) this.tree.opened(path);
    call.openAs(handle, this.caching(entry, file));
    return 0;
  }

  /**
   * The kernel takes each name of a hard link for a file of its own, with pages of its own: what is written through one
   * would not be seen through another. What no write can reach may stay in the page cache from open to open.
   */
  private caching(entry: Entry, { fd, key, writable }: OpenFile): number {
    if (this.tree.sharesInode(entry)) return CACHING.none;
    const size = dataOf(entry)?.stat.size ?? statFd(fd, entry.name).size;
    // The kernel serves the real data, longer or shorter than the size that stat shows (semantics 2.6).
    if (!writable && size !== topOf(entry).stat.size) return CACHING.none;
    const isUpper = entry.upper !== null && key === inodeKey(entry.upper.stat);
    return isUpper && this.stack.area ? CACHING.fresh : CACHING.kept;
  }

  private opened(call: NativeCall): OpenFile {
    return this.handles.get(call.handle)!;
  }

  /** The descriptor of an open file: another one, where its data were copied up since. */
  private fdOf(call: NativeCall): number {
    const file = this.opened(call);
    if (!this.stack.area) return file.fd;
    const entry = this.tree.find(call.path);
    const key = keyOf(dataOf(entry));
    if (key === file.key) return file.fd;
    const fd = openData(this.stack, entry);
    closeFile(file.fd);
    Object.assign(file, { fd, key, writable: false });
    return fd;
  }

  private read(call: NativeCall): number {
    const count = call.readFrom(this.fdOf(call));
    if (count > 0) this.counts.read += count;
    return count;
  }

  private write(call: NativeCall): number {
    const { fd } = this.opened(call);
    // The kernel's idea of the size is that of one name.
    const appends = (call.openFlags & O_APPEND) !== 0 && !call.isWriteback;
    const count = call.writeTo(fd, appends ? statFd(fd, '').size : call.offset);
    if (count < 0) return count;
    dropCapability(this.stack, this.tree.find(call.path));
    this.counts.written += count;
    return count;
  }

  /** What is not in the upper has nothing to sync (semantics 6). */
  private fsync(call: NativeCall): number {
    // The kernel takes it for done, and does not ask again.
    if (!this.stack.area || this.stack.area.isVolatile) return -ERRNO.ENOSYS;
    if (!this.tree.find(call.path).upper) return 0;
    return syncFile(this.fdOf(call), call.mode !== 0);
  }

  private release(call: NativeCall): number {
    const { handle } = call;
    closeFile(this.opened(call).fd);
    this.handles.delete(handle);
    if (this.stack.area) this.tree.closed(call.path);
    return 0;
  }
}
