// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Entry } from '../overlay/entry';
import type { ListedName } from '../overlay/readdir';
import type { Attributes } from './reply';

/** An object that the kernel knows by number. It lives until the kernel forgets it and nobody has it open. */
export interface Node {
  readonly id: number;
  readonly entry: Entry;
  attributes: Attributes;
  /** Names handed to the kernel: so many FORGETs are owed. */
  lookups: number;
  /** Known children, so that a name keeps its node. */
  children: Map<ByteString, Node> | null;
  readonly parent: Node | null;
  /** The listing that READDIR is in the middle of, or that was read ahead. */
  listing: ListedName[] | null;
  /** Its names were asked for, or read ahead, before. */
  listed: boolean;
  /** One descriptor for all who have the file open; -1 where none is needed. */
  fd: number;
  opens: number;
  /** Registered with the kernel for passthrough, or 0. */
  backingId: number;
  /** FOPEN flags that every open of the file gets: the kernel wants them the same while any is open. */
  openFlags: number;
  everOpened: boolean;
  /** The kernel was given the whole content. */
  stored: boolean;
}

/** Nodes by number; 1 is the root, and numbers are not used again. */
export class NodeTable {
  private readonly nodes = new Map<number, Node>();
  private next = 1;
  readonly root: Node;

  constructor(root: Entry, attributes: Attributes) {
    this.root = this.add(null, root, attributes);
    this.root.lookups = 1;
  }

  get size(): number {
    return this.nodes.size;
  }

  get(id: number): Node | undefined {
    return this.nodes.get(id);
  }

  add(parent: Node | null, entry: Entry, attributes: Attributes): Node {
    const node: Node = {
      id: this.next++,
      entry,
      attributes,
      lookups: 0,
      children: null,
      parent,
      listing: null,
      listed: false,
      fd: -1,
      opens: 0,
      backingId: 0,
      openFlags: 0,
      everOpened: false,
      stored: false,
    };
    this.nodes.set(node.id, node);
    if (parent) (parent.children ??= new Map()).set(entry.name, node);
    return node;
  }

  /** Takes back `count` lookups; the node goes with the last one. */
  forget(id: number, count: number): void {
    const node = this.nodes.get(id);
    if (!node || node === this.root) return;
    node.lookups -= count;
    if (node.lookups > 0) return;
    this.nodes.delete(id);
    // Read ahead, and never asked for.
    for (const child of node.children?.values() ?? []) if (child.lookups === 0) this.nodes.delete(child.id);
    const siblings = node.parent?.children;
    if (siblings?.get(node.entry.name) === node) siblings.delete(node.entry.name);
  }
}
