// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { isDirectoryEntry } from '../overlay/entry';
import type { InodeNumber } from '../overlay/inode-numbers';
import { listNames, type ListedName } from '../overlay/readdir';
import type { OverlayStack } from '../overlay/stack';
import { tidyImpure } from '../overlay/tidy-impure';
import { ERRNO, SystemError } from '../system/libc';
import type { Node } from './node-table';
import { DIRENT_HEADER, ENTRY_OUT, IN_HEADER, OUT_HEADER } from './protocol';
import type { Reply } from './reply';
import { MAX_PAYLOAD, type Request } from './session';
import { refuse, type Tree } from './tree';
import { WalkAhead } from './walk-ahead';

/** Directory, among the types of dirent.h. */
const DT_DIR = 4;

/** READDIR and READDIRPLUS, and the walk ahead of them. */
export class DirectoryReader {
  /** Listings by the handle of who reads; null before the first READDIR. */
  private readonly handles = new Map<number, ListedName[] | null>();
  private nextHandle = 1;
  private readonly walkAhead = new WalkAhead((directory) => this.readAhead(directory));

  constructor(
    private readonly stack: OverlayStack,
    private readonly tree: Tree,
  ) {}

  /**
   * OPENDIR, on a mount that changes: who reads a directory sees it as it was when he began (semantics 3.1). On one that
   * never changes there is none: the kernel keeps the listing in its page cache.
   */
  open(request: Request, reply: Reply): number {
    const node = this.tree.node(request);
    if (!isDirectoryEntry(node.entry)) refuse(ERRNO.ENOTDIR, 'opendir');
    const handle = this.nextHandle++;
    this.handles.set(handle, null);
    reply.put64(OUT_HEADER, handle);
    reply.put64(OUT_HEADER + 8, 0);
    return 16;
  }

  /** struct fuse_release_in: fh. */
  release(request: Request): number {
    this.handles.delete(Number(request.bytes.readBigUInt64LE(IN_HEADER)));
    return 0;
  }

  /** The listing that a READDIR goes on with; from the start it is made anew, if the directory changed. */
  private listingOf(node: Node, handle: number, offset: number): ListedName[] {
    const own = this.handles.get(handle);
    if (own && offset > 0) return own;
    if (node.nameless) return [];
    node.listing ??= listNames(this.stack, node.entry);
    // Also where it was read ahead.
    tidyImpure(this.stack, node.entry, node.listing, ({ name, components }) => {
      const child = this.tryChild(node, name, components);
      // A further name of an object may not lead to the origin that its first one had before the copy-up.
      return child && attempt(() => this.tree.entryOf(child, node, name));
    });
    if (own !== undefined) this.handles.set(handle, node.listing);
    return node.listing;
  }

  /** READDIR and READDIRPLUS. Offsets count entries. */
  readdir(request: Request, reply: Reply, plus: boolean): number {
    const node = this.tree.node(request);
    if (!isDirectoryEntry(node.entry)) refuse(ERRNO.ENOTDIR, 'readdir');
    const handle = Number(request.bytes.readBigUInt64LE(IN_HEADER));
    const offset = Number(request.bytes.readBigUInt64LE(IN_HEADER + 8));
    const size = Math.min(request.bytes.readUInt32LE(IN_HEADER + 16), MAX_PAYLOAD);
    const listing = this.listingOf(node, handle, offset);
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
      this.tree.handOut(reply, at, this.tree.childOf(parent, name, components));
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
    return attempt(() => this.tree.childOf(parent, name, components));
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

  private listedNumber(node: Node, { name, from, inoLow, inoHigh, components }: ListedName): InodeNumber {
    if (name === '.') return { low: node.attributes.inoLow, high: node.attributes.inoHigh };
    if (name === '..') {
      const { attributes } = node.parent ?? node;
      return { low: attributes.inoLow, high: attributes.inoHigh };
    }
    // A copied-up object keeps showing the number of what it was copied from (semantics 3.4).
    if (from === node.entry.upper && from.xattrs.includes(this.stack.names.impure)) {
      const child = node.nameless ? null : this.tryChild(node, name, components);
      if (child) return { low: child.attributes.inoLow, high: child.attributes.inoHigh };
    }
    return this.tree.numbers.of({ ...from.stat, inoLow, inoHigh });
  }
}

/** Null where a lookup fails: listing goes on. */
function attempt<T>(find: () => T): T | null {
  try {
    return find();
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}
