// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Entry, Real } from '../overlay/entry';
import type { ListedName } from '../overlay/readdir';
import type { Attributes } from './reply';

/** A name of a node: hard links have several. */
export interface NodeName {
  readonly parent: Node;
  readonly name: ByteString;
}

/** An object that the kernel knows by number. It lives until the kernel forgets it and nobody has it open. */
export interface Node {
  readonly id: number;
  /** One of its names, resolved; the latest, where it has none any more. */
  entry: Entry;
  attributes: Attributes;
  /** Names handed to the kernel: so many FORGETs are owed. */
  lookups: number;
  /** Known children, so that a name keeps its node. */
  children: Map<ByteString, Node> | null;
  parent: Node | null;
  /** Names beside that of `entry` by which the kernel knows it. */
  otherNames: NodeName[] | null;
  /** The last name is gone: the object lives while somebody uses it. */
  nameless: boolean;
  /** Identity that other names of the object lead to; null where it can have none. */
  identity: string | null;
  /** The listing that READDIR is in the middle of, or that was read ahead. */
  listing: ListedName[] | null;
  /** Its names were asked for, or read ahead, before. */
  listed: boolean;
  /** One descriptor for all who have the file open; -1 where none is needed. */
  fd: number;
  /** What `fd` is open on: a copy-up makes it stale. */
  fdReal: Real | null;
  fdWritable: boolean;
  opens: number;
  /** Of the opens, those that may write. */
  writers: number;
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
  private readonly identities = new Map<string, Node>();
  private readonly byEntry = new WeakMap<Entry, Node>();
  private next = 1;
  readonly root: Node;

  /** @param release called with a node that goes */
  constructor(
    root: Entry,
    attributes: Attributes,
    private readonly release: (node: Node) => void,
  ) {
    this.root = this.add(null, root, attributes, null);
    this.root.lookups = 1;
  }

  get size(): number {
    return this.nodes.size;
  }

  get(id: number): Node | undefined {
    return this.nodes.get(id);
  }

  /** Gives the node another of its names. */
  resolve(node: Node, entry: Entry, parent: Node): void {
    Object.assign(node, { entry, parent });
    this.byEntry.set(entry, node);
  }

  of(entry: Entry): Node | undefined {
    return this.byEntry.get(entry);
  }

  byIdentity(identity: string): Node | undefined {
    return this.identities.get(identity);
  }

  add(parent: Node | null, entry: Entry, attributes: Attributes, identity: string | null): Node {
    const node: Node = {
      id: this.next++,
      entry,
      attributes,
      lookups: 0,
      children: null,
      parent,
      otherNames: null,
      nameless: false,
      identity: null,
      listing: null,
      listed: false,
      fd: -1,
      fdReal: null,
      fdWritable: false,
      opens: 0,
      writers: 0,
      backingId: 0,
      openFlags: 0,
      everOpened: false,
      stored: false,
    };
    this.nodes.set(node.id, node);
    this.byEntry.set(entry, node);
    if (parent) this.name(parent, entry.name, node);
    if (identity !== null) this.identify(node, identity);
    return node;
  }

  /** Further names of the object lead to this node from now on. */
  identify(node: Node, identity: string): void {
    if (node.identity === identity) return;
    this.unidentify(node);
    node.identity = identity;
    this.identities.set(identity, node);
  }

  private unidentify(node: Node): void {
    if (node.identity !== null && this.identities.get(node.identity) === node) this.identities.delete(node.identity);
    node.identity = null;
  }

  name(parent: Node, name: ByteString, node: Node): void {
    (parent.children ??= new Map()).set(name, node);
  }

  unname(parent: Node | null, name: ByteString, node: Node): void {
    if (parent?.children?.get(name) === node) parent.children.delete(name);
  }

  /** The name leads to this node no more, nor do other names of the object; who uses it, does so by its number. */
  disown(node: Node, parent: Node, name: ByteString): void {
    this.unname(parent, name, node);
    this.unidentify(node);
  }

  /** Takes back `count` lookups; the node goes with the last one. */
  forget(id: number, count: number): void {
    const node = this.nodes.get(id);
    if (!node || node === this.root) return;
    node.lookups -= count;
    if (node.lookups <= 0) this.remove(node);
  }

  /** Also of a node that was read ahead, and never asked for. */
  remove(node: Node): void {
    this.nodes.delete(node.id);
    this.unidentify(node);
    for (const child of node.children?.values() ?? []) if (child.lookups === 0) this.remove(child);
    if (!node.nameless) this.unname(node.parent, node.entry.name, node);
    for (const { parent, name } of node.otherNames ?? []) this.unname(parent, name, node);
    this.release(node);
  }
}
