// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { isDirectoryEntry, type Entry } from '../overlay/entry';
import { inodeKey } from '../overlay/inode-key';
import { lookup } from '../overlay/lookup';
import { refresh, refreshXattrs } from '../overlay/marks';
import { release } from '../overlay/remove';
import type { OverlayStack } from '../overlay/stack';
import { SystemError } from '../system/libc';
import type { Stat } from '../system/stat';

/** Entries kept: a path-based transport asks for the same parents again and again. */
const CAPACITY = 32768;

/** A path that was resolved. */
interface Known {
  entry: Entry;
  /** Known paths one step below: these hold on to our entry, so that a directory has but one. */
  children: number;
  /** Open handles. */
  opens: number;
  /** Its object has lost this name: the path is but libfuse's way to it (see `hide`). */
  hidden: boolean;
}

export const aboveOf = (path: ByteString): ByteString => path.slice(0, path.lastIndexOf('/')) || '/';
/** The path of a name in a directory. */
export const below = (path: ByteString, name: ByteString): ByteString =>
  path === '/' ? `/${name}` : `${path}/${name}`;
export const nameOf = (path: ByteString): ByteString => path.slice(path.lastIndexOf('/') + 1);

/**
 * Finds entries by path, and remembers the latest. Paths are absolute, without empty elements.
 *
 * In a writable stack a change goes through an entry, so what is remembered stays true, with one exception: the entries
 * of hard links. A change through one name is a change of all, so that those are resolved each time.
 */
export class PathTree {
  private readonly known = new Map<ByteString, Known>();
  /** What is hidden: objects that may have other names. */
  private readonly hidden = new Set<Known>();
  /** Hidden paths of what has kept its name after all. */
  private readonly aliases = new Map<ByteString, ByteString>();

  constructor(private readonly stack: OverlayStack) {}

  get size(): number {
    return this.known.size;
  }

  /** Throws what lookup throws. */
  find(path: ByteString): Entry {
    if (path === '/') return this.stack.root;
    const alias = this.aliases.get(path);
    if (alias !== undefined) return this.find(alias);
    const known = this.known.get(path);
    if (known?.hidden) return this.refreshed(known.entry);
    if (known && !this.sharesInode(known.entry)) return known.entry;
    const entry = lookup(this.stack, this.find(aboveOf(path)), nameOf(path));
    if (known) known.entry = entry;
    else this.add(path, entry);
    return entry;
  }

  /** As `find`; null where the lookup fails. */
  tryFind(path: ByteString): Entry | null {
    try {
      return this.find(path);
    } catch (error) {
      if (error instanceof SystemError) return null;
      throw error;
    }
  }

  has(path: ByteString): boolean {
    return this.known.has(path);
  }

  /** Whether other names may change the object behind this one's back. */
  sharesInode(entry: Entry): boolean {
    const { area } = this.stack;
    if (!area || isDirectoryEntry(entry)) return false;
    if (entry.upper) return entry.indexed || entry.upper.stat.nlink > 1 || this.hasHiddenTwin(entry.upper.stat);
    return area.index !== null && entry.lowers[0]!.stat.nlink > 1;
  }

  /** The last name of a file that is also open by a name that is gone: it is changed through that one, too. */
  private hasHiddenTwin(stat: Stat): boolean {
    if (this.hidden.size === 0) return false;
    const key = inodeKey(stat);
    return [...this.hidden].some(({ entry }) => entry.upper && inodeKey(entry.upper.stat) === key);
  }

  /** An object without a name is reached by its entry alone; other names that it may have change it too. */
  private refreshed(entry: Entry): Entry {
    const { upper } = entry;
    if (!upper || upper.stat.nlink === 0) return entry;
    refresh(this.stack, upper);
    refreshXattrs(this.stack, upper);
    if (entry.metacopy && !upper.xattrs.includes(this.stack.names.metacopy)) {
      entry.metacopy = false;
      entry.lazyData = null;
    }
    return entry;
  }

  /** Remembers what has come to be under a path. */
  add(path: ByteString, entry: Entry): void {
    this.put(path, { entry, children: 0, opens: 0, hidden: false });
  }

  private put(path: ByteString, known: Known): void {
    this.count(aboveOf(path), 1);
    if (this.known.size >= CAPACITY) this.evict();
    this.known.set(path, known);
  }

  private count(path: ByteString, change: number): void {
    const known = this.known.get(path);
    if (known) known.children += change;
  }

  /** Drops the oldest that nothing holds on to; what is held goes to the end of the line. */
  private evict(): void {
    let left = this.known.size;
    for (const [path, known] of this.known) {
      if (left-- === 0) return;
      this.known.delete(path);
      if (known.children === 0 && known.opens === 0 && !known.hidden) return this.count(aboveOf(path), -1);
      this.known.set(path, known);
    }
  }

  /** A name is gone: what is remembered of it, and below it, goes. */
  forget(path: ByteString): void {
    const known = this.known.get(path);
    if (!known) return;
    // Below a directory that was empty there are only objects whose names went before.
    if (known.children > 0) for (const below of this.below(path)) this.forget(below);
    this.known.delete(path);
    this.count(aboveOf(path), -1);
    if (!known.hidden) return;
    this.hidden.delete(known);
    release(known.entry);
  }

  private below(path: ByteString): ByteString[] {
    return [...this.known.keys()].filter((each) => each.startsWith(`${path}/`));
  }

  /** A name has become another, that of a directory with all below it. */
  move(from: ByteString, to: ByteString): void {
    this.forget(to);
    const known = this.known.get(from);
    if (!known) return;
    const below = known.children > 0 ? this.below(from) : [];
    for (const path of below) {
      this.known.set(to + path.slice(from.length), this.known.get(path)!);
      this.known.delete(path);
    }
    this.known.delete(from);
    this.count(aboveOf(from), -1);
    this.put(to, known);
  }

  opened(path: ByteString): void {
    const known = this.known.get(path);
    if (known) known.opens += 1;
  }

  closed(path: ByteString): void {
    const known = this.known.get(path);
    if (known) known.opens -= 1;
  }

  isOpen(path: ByteString): boolean {
    return (this.known.get(path)?.opens ?? 0) > 0;
  }

  /** The object loses its name, and is found under another path as long as it is open. */
  hide(path: ByteString, hidden: ByteString): void {
    this.move(path, hidden);
    const known = this.known.get(hidden)!;
    known.hidden = true;
    this.hidden.add(known);
  }

  isHidden(path: ByteString): boolean {
    return this.known.get(path)?.hidden ?? false;
  }

  /** The object keeps its name: the hidden path, by which libfuse knows it, leads there. */
  unhide(hidden: ByteString, path: ByteString): void {
    this.forget(hidden);
    this.aliases.set(hidden, path);
  }

  /** Lets go of the objects that only we keep. */
  close(): void {
    for (const { entry } of this.hidden) release(entry);
    this.hidden.clear();
    this.known.clear();
  }
}
