// SPDX-License-Identifier: MIT
import { statfsSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import type { Entry } from '../overlay/entry';
import { readLink } from '../overlay/file-data';
import { InodeNumbers, type InodeNumber } from '../overlay/inode-numbers';
import { refresh } from '../overlay/marks';
import { listNames, type ListedName } from '../overlay/readdir';
import { OverlayStack } from '../overlay/stack';
import { syncDirectory } from '../overlay/sync-directory';
import { tidyImpure } from '../overlay/tidy-impure';
import { getXattr, listXattrs } from '../overlay/xattrs';
import { ERRNO } from '../system/libc';
import { attributesOf, numberOf } from './attributes';
import type { MountSpec } from './mount-record';
import { NativeAttributes } from './native-attributes';
import type { NativeCall } from './native-call';
import { NativeFiles } from './native-files';
import { NativeNames } from './native-names';
import { OP, type NativeOperation } from './native-operations';
import { listedStat, nativeStat } from './native-stat';
import { below, PathTree } from './path-tree';
import type { Activity } from './transport';

/** The merged tree, path by path, as libfuse 2 asks for it. */
export class NativeFileSystem {
  private readonly stack: OverlayStack;
  private readonly tree: PathTree;
  private readonly numbers: InodeNumbers;
  private readonly names: NativeNames;
  private readonly files: NativeFiles;
  private readonly operations: ReadonlyMap<number, NativeOperation>;

  constructor(spec: MountSpec, log: (line: string) => void) {
    this.stack = new OverlayStack(spec.subject, spec.options, spec.write);
    this.tree = new PathTree(this.stack);
    this.numbers = new InodeNumbers(this.stack);
    this.names = new NativeNames(this.stack, this.tree, log);
    this.files = new NativeFiles(this.stack, this.tree, this.names);
    const operations: [number, NativeOperation][] = [
      [OP.getattr, (call) => this.getattr(call)],
      [OP.readdir, (call) => this.readdir(call)],
      [OP.readlink, (call) => this.readlink(call)],
      [OP.getxattr, (call) => this.getxattr(call)],
      [OP.listxattr, (call) => this.listxattr(call)],
      [OP.statfs, (call) => this.statfs(call)],
    ];
    const reading: readonly number[] = [OP.open, OP.read, OP.release];
    const changes = [...this.names.operations, ...new NativeAttributes(this.stack, this.tree).operations];
    this.operations = new Map<number, NativeOperation>([
      ...operations,
      ...this.files.operations.filter(([op]) => this.stack.area !== null || reading.includes(op)),
      ...(this.stack.area ? changes : []),
      ...(this.stack.area ? [[OP.fsyncdir, (call: NativeCall) => this.fsyncdir(call)] as const] : []),
    ]);
  }

  /** The numbers of the operations that this file system has. */
  get implemented(): Iterable<number> {
    return this.operations.keys();
  }

  get nodes(): number {
    return this.tree.size;
  }

  get activity(): Activity {
    const { read: bytesRead, written: bytesWritten } = this.files.counts;
    const { copyUps, copyUpBytes } = this.stack.area?.counts ?? { copyUps: 0, copyUpBytes: 0 };
    return { bytesRead, bytesWritten, copyUps, copyUpBytes };
  }

  /** Returns what libfuse's operation returns, or throws a SystemError. */
  perform(op: number, call: NativeCall): number {
    // A rename itself looks at what waits.
    if (op !== OP.rename) this.names.removeWaiting();
    const { area } = this.stack;
    try {
      return this.operations.get(op)!(call);
    } finally {
      // The kernel keeps no attributes that a copy-up changes (`optionText`): nobody is to be told.
      if (area) area.stale.length = 0;
    }
  }

  close(): void {
    this.names.removeWaiting();
    this.tree.close();
    this.stack.close();
  }

  private getattr(call: NativeCall): number {
    const { path } = call;
    const entry = this.tree.find(path);
    if (entry.upper && this.stack.area) refresh(this.stack, entry.upper);
    const attributes = attributesOf(this.stack, this.numbers, entry);
    // libfuse takes one off, for the hidden name that it believes to be there.
    const hidden = this.tree.isHidden(path) ? 1 : 0;
    call.putStat(nativeStat({ ...attributes, nlink: attributes.nlink + hidden }));
    return 0;
  }

  private readdir(call: NativeCall): number {
    const { path } = call;
    const entry = this.tree.find(path);
    const listing = listNames(this.stack, entry);
    tidyImpure(this.stack, entry, listing, ({ name }) => this.tree.tryFind(below(path, name)));
    for (const listed of listing) {
      const { low, high } = this.listedNumber(path, entry, listed);
      call.fill(listed.name, listedStat(low, high, listed.type));
    }
    return 0;
  }

  private listedNumber(path: ByteString, entry: Entry, { name, from, inoLow, inoHigh }: ListedName): InodeNumber {
    if (name === '.') return numberOf(this.stack, this.numbers, entry);
    if (name === '..') return numberOf(this.stack, this.numbers, entry.parent ?? entry);
    // A copied-up object keeps showing the number of what it was copied from (semantics 3.4).
    const isImpure = from === entry.upper && from.xattrs.includes(this.stack.names.impure);
    const child = isImpure ? this.tree.tryFind(below(path, name)) : null;
    if (child) return numberOf(this.stack, this.numbers, child);
    return this.numbers.of({ ...from.stat, inoLow, inoHigh });
  }

  private readlink(call: NativeCall): number {
    call.putLink(readLink(this.stack, this.tree.find(call.path)));
    return 0;
  }

  private getxattr(call: NativeCall): number {
    const value = getXattr(this.stack, this.tree.find(call.path), call.xattrName);
    if (typeof value === 'number') return value;
    if (call.xattrRoom === 0) return value.length;
    if (call.xattrRoom < value.length) return -ERRNO.ERANGE;
    call.putXattr(value);
    return value.length;
  }

  private listxattr(call: NativeCall): number {
    const names = listXattrs(this.stack, this.tree.find(call.path))
      .map((name) => `${name}\0`)
      .join('');
    if (call.xattrRoom === 0) return names.length;
    if (call.xattrRoom < names.length) return -ERRNO.ERANGE;
    call.putXattrList(names);
    return names.length;
  }

  private fsyncdir(call: NativeCall): number {
    if (this.stack.area!.isVolatile) return -ERRNO.ENOSYS;
    return syncDirectory(this.stack, this.tree.find(call.path));
  }

  /** `struct statvfs` of x86-64 Linux. */
  private statfs(call: NativeCall): number {
    const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(
      Buffer.from(this.stack.layers[0]!.path, 'latin1'),
    );
    const buffer = Buffer.alloc(112);
    [bsize, bsize, blocks, bfree, bavail, files, ffree, ffree].forEach((value, i) => {
      buffer.writeBigUInt64LE(BigInt(value), i * 8);
    });
    buffer.writeBigUInt64LE(BigInt(this.stack.nameMax), 80);
    call.putStatvfs(buffer);
    return 0;
  }
}
