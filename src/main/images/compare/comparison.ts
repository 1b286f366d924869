// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Compared, ComparedObject } from '@shared/compare';
import { metadataDifferences } from '../../overlay/differences';
import { isDirectoryEntry, realsOf, topOf, type Entry } from '../../overlay/entry';
import { openData, readLink } from '../../overlay/file-data';
import { inodeKey } from '../../overlay/inode-key';
import { lookup } from '../../overlay/lookup';
import { listNames, type ListedName } from '../../overlay/readdir';
import { kindOf } from '../../overlay/rows';
import { sameContent } from '../../overlay/same-content';
import { OverlayStack } from '../../overlay/stack';
import { closeFile } from '../../system/files';
import { SystemError } from '../../system/libc';
import { isRegular, type Stat } from '../../system/stat';
import { ROOT } from '../path-table';
import { ChangeTree, type FoundDifference } from './change-tree';
import type { Side } from './side';

/** Names looked at between two pauses. */
const SLICE = 32;

/** A directory on the way; it gets its node with the first change in it. */
interface Way {
  readonly above: Way | null;
  readonly name: ByteString;
  node: number;
}

/** What a side has under a name: an entry, or a name that its lookup refuses. */
type Found = Entry | 'refused' | null;

/** Compares two merged trees, once. Close it when done. */
export class Comparison {
  readonly tree = new ChangeTree();
  readonly left: OverlayStack;
  readonly right: OverlayStack;
  names = 0;

  /** @throws Failure that names the layer that cannot be read */
  constructor(left: Side, right: Side) {
    this.left = new OverlayStack(left.layers, left.options);
    try {
      this.right = new OverlayStack(right.layers, right.options);
    } catch (error) {
      this.left.close();
      throw error;
    }
  }

  /** Does all of it, in slices; the tree grows with it. Throws a SystemError where a directory cannot be read. */
  *run(): Generator<void, void> {
    const root: Way = { above: null, name: '', node: ROOT };
    const { left, right } = this;
    this.#setIf(root, left.root, right.root, this.#metadata(left.root, right.root));
    yield* this.#directories(root, left.root, right.root);
  }

  close(): void {
    this.left.close();
    this.right.close();
  }

  *#directories(way: Way, left: Entry | null, right: Entry | null): Generator<void, void> {
    if (left && right && this.#isOne(left, right)) return;
    const ours = namesIn(this.left, left);
    const theirs = namesIn(this.right, right);
    const names = [...new Set([...ours.keys(), ...theirs.keys()])].sort((a, b) => (a < b ? -1 : 1));
    for (const name of names) {
      if (++this.names % SLICE === 0) yield;
      const was = found(this.left, left, ours.get(name));
      const is = found(this.right, right, theirs.get(name));
      yield* this.#name({ above: way, name, node: -1 }, was, is);
    }
  }

  *#name(way: Way, left: Found, right: Found): Generator<void, void> {
    if (left === null && right === null) return;
    if (typeof left === 'string' || typeof right === 'string') {
      if (left !== right)
        this.#set(way, left, right, left === null ? 'added' : right === null ? 'removed' : 'type', []);
      return;
    }
    const wasDirectory = left !== null && isDirectoryEntry(left);
    const isDirectory = right !== null && isDirectoryEntry(right);
    if (left === null) this.#set(way, null, right, 'added', []);
    else if (right === null) this.#set(way, left, null, 'removed', []);
    else if (kindOf(topOf(left).stat) !== kindOf(topOf(right).stat)) this.#set(way, left, right, 'type', []);
    else if (wasDirectory) this.#setIf(way, left, right, this.#metadata(left, right));
    else yield* this.#objects(way, left, right);
    if (!wasDirectory && !isDirectory) return;
    yield* this.#directories(way, wasDirectory ? left : null, isDirectory ? right : null);
  }

  *#objects(way: Way, left: Entry, right: Entry): Generator<void, void> {
    if (!left.metacopy && !right.metacopy && inodeKey(topOf(left).stat) === inodeKey(topOf(right).stat)) return;
    const data = isRegular(topOf(left).stat.mode) ? yield* this.#content(left, right) : this.#special(left, right);
    const metadata = this.#metadata(left, right);
    if (data !== null) this.#set(way, left, right, 'modified', [data, ...metadata]);
    else this.#setIf(way, left, right, metadata);
  }

  *#content(left: Entry, right: Entry): Generator<void, Compared | null> {
    const { size } = topOf(left).stat;
    if (size !== topOf(right).stat.size) return 'content';
    if (size === 0) return null;
    const one = openQuietly(this.left, left);
    const other = openQuietly(this.right, right);
    try {
      if (one < 0 || other < 0) return 'unreadable';
      return (yield* sameContent(one, other, size)) ? null : 'content';
    } finally {
      if (one >= 0) closeFile(one);
      if (other >= 0) closeFile(other);
    }
  }

  #special(left: Entry, right: Entry): Compared | null {
    const [was, is] = [topOf(left).stat, topOf(right).stat];
    if (kindOf(was) === 'symlink') return readLink(this.left, left) === readLink(this.right, right) ? null : 'target';
    return was.rdevMajor === is.rdevMajor && was.rdevMinor === is.rdevMinor ? null : 'device';
  }

  #metadata(left: Entry, right: Entry): Compared[] {
    // What overlays say of themselves is none of it (`replaces`, `link`): two trees have no such thing in common.
    return metadataDifferences(this.left, topOf(left), topOf(right), this.right) as Compared[];
  }

  /**
   * Whether two directories are one and the same: made of the same directories, with the same layers below them, in which
   * alone a redirect in them can lead. Then all that is in them is the same too.
   */
  #isOne(left: Entry, right: Entry): boolean {
    const [ours, theirs] = [realsOf(left), realsOf(right)];
    const isSame = (a: Stat, b: Stat): boolean => inodeKey(a) === inodeKey(b);
    if (ours.length !== theirs.length || !ours.every(({ stat }, i) => isSame(stat, theirs[i]!.stat))) return false;
    const below = this.left.layers.slice(ours[0]!.layer.index);
    const others = this.right.layers.slice(theirs[0]!.layer.index);
    return below.length === others.length && below.every(({ rootStat }, i) => isSame(rootStat, others[i]!.rootStat));
  }

  #setIf(way: Way, left: Entry, right: Entry, differs: readonly Compared[]): void {
    if (differs.length > 0) this.#set(way, left, right, 'metadata', differs);
  }

  #set(way: Way, left: Found, right: Found, kind: FoundDifference['kind'], differs: readonly Compared[]): void {
    this.tree.set(this.#nodeOf(way), { kind, left: objectOf(left), right: objectOf(right), differs });
  }

  #nodeOf(way: Way): number {
    if (way.node < 0) way.node = this.tree.addDirectory(this.#nodeOf(way.above!), way.name);
    return way.node;
  }
}

function namesIn(stack: OverlayStack, entry: Entry | null): Map<ByteString, ListedName> {
  if (!entry) return new Map();
  const listed = listNames(stack, entry).filter(({ name }) => name !== '.' && name !== '..');
  return new Map(listed.map((name) => [name.name, name]));
}

function found(stack: OverlayStack, parent: Entry | null, name: ListedName | undefined): Found {
  if (!parent || !name) return null;
  try {
    return lookup(stack, parent, name.name, null, name.components);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    // Listing is less strict than lookup: what is named and not there is not there.
    return error.code === 'ENOENT' ? null : 'refused';
  }
}

function objectOf(entry: Found): ComparedObject | null {
  if (entry === null) return null;
  if (entry === 'refused') return { type: 'unknown', size: 0 };
  const { stat } = topOf(entry);
  return { type: kindOf(stat), size: isRegular(stat.mode) ? stat.size : 0 };
}

function openQuietly(stack: OverlayStack, entry: Entry): number {
  try {
    return openData(stack, entry);
  } catch (error) {
    if (error instanceof SystemError) return -error.errno;
    throw error;
  }
}
