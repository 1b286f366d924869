// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { hasChanged } from '../overlay/changed';
import { ANYWHERE, type Entry } from '../overlay/entry';
import { identityOf } from '../overlay/identity';
import { InodeNumbers } from '../overlay/inode-numbers';
import { find, lookup } from '../overlay/lookup';
import { refresh } from '../overlay/marks';
import { release } from '../overlay/remove';
import type { OverlayStack } from '../overlay/stack';
import { closeFile } from '../system/files';
import { ERRNO, SystemError } from '../system/libc';
import { attributesOf } from './attributes';
import { NodeTable, type Node } from './node-table';
import type { Reply } from './reply';
import type { Request } from './session';

/** Ends an operation with an error. */
export const refuse = (errno: number, what: string): never => {
  throw new SystemError(errno, what, '');
};

/** The merged tree as nodes that the kernel knows by number. */
export class Tree {
  readonly nodes: NodeTable;
  readonly numbers: InodeNumbers;

  constructor(private readonly stack: OverlayStack) {
    this.numbers = new InodeNumbers(stack);
    this.nodes = new NodeTable(stack.root, attributesOf(stack, this.numbers, stack.root), (node) => {
      if (node.fd >= 0) closeFile(node.fd);
      release(node.entry);
    });
  }

  /** The node that a request is about. */
  node({ nodeId }: Pick<Request, 'nodeId'>): Node {
    return this.byId(nodeId);
  }

  byId(id: number): Node {
    return this.nodes.get(id) ?? refuse(ERRNO.ESTALE, 'node');
  }

  /** The child's node. Throws what the lookup throws. */
  childOf(parent: Node, name: ByteString, components = ANYWHERE): Node {
    const known = parent.children?.get(name);
    if (known) return known;
    return this.adopt(parent, lookup(this.stack, parent.entry, name, null, components));
  }

  /**
   * As `findChild`, for a LOOKUP. Of a name that it knows already the kernel asks where its dentry went, or where
   * something was ESTALE: a lower object that changed is looked up anew.
   */
  lookedUp(parent: Node, name: ByteString): Node | null {
    const known = parent.children?.get(name);
    if (known && known.lookups > 0 && hasChanged(this.stack, known.entry)) this.nodes.disown(known, parent, name);
    return this.findChild(parent, name);
  }

  /** As `childOf`; null where there is no such name. */
  findChild(parent: Node, name: ByteString): Node | null {
    const known = parent.children?.get(name);
    if (known) return known;
    const entry = find(this.stack, parent.entry, name);
    return entry && this.adopt(parent, entry);
  }

  /** The node of a resolved name: a new one, or that of the object's other names. */
  adopt(parent: Node, entry: Entry): Node {
    const identity = identityOf(this.stack, entry);
    const known = identity === null ? undefined : this.nodes.byIdentity(identity);
    if (known) {
      this.addName(known, parent, entry);
      return known;
    }
    return this.nodes.add(parent, entry, attributesOf(this.stack, this.numbers, entry), identity);
  }

  /** The node of a file that has no name (O_TMPFILE). */
  adoptNameless(entry: Entry): Node {
    const node = this.nodes.add(null, entry, attributesOf(this.stack, this.numbers, entry), null);
    node.nameless = true;
    return node;
  }

  private addName(node: Node, parent: Node, entry: Entry): void {
    this.nodes.name(parent, entry.name, node);
    if (!node.nameless) {
      (node.otherNames ??= []).push({ parent, name: entry.name });
      return;
    }
    release(node.entry);
    this.nodes.resolve(node, entry, parent);
    node.nameless = false;
  }

  /** A node whose object got another name has an identity from now on. */
  linked(node: Node, parent: Node, entry: Entry): void {
    const identity = identityOf(this.stack, entry);
    if (identity !== null) this.nodes.identify(node, identity);
    this.addName(node, parent, entry);
  }

  /** A name of a node is gone; where it was the last, the object stays as long as it is used. */
  unlinked(node: Node, parent: Node, name: ByteString): void {
    this.nodes.unname(parent, name, node);
    const others = node.otherNames ?? [];
    const at = others.findIndex((other) => other.parent === parent && other.name === name);
    if (at >= 0) {
      others.splice(at, 1);
      return;
    }
    const next = others.pop();
    if (next) {
      release(node.entry);
      this.nodes.resolve(node, lookup(this.stack, next.parent.entry, next.name), next.parent);
    } else {
      node.nameless = true;
    }
  }

  /** What was done by another of its names may have copied the object up. */
  resolveAgain(node: Node): void {
    if (!node.nameless) this.nodes.resolve(node, lookup(this.stack, node.parent!.entry, node.entry.name), node.parent!);
  }

  /** The entry of one of a node's names: what an operation on that name is about. */
  entryOf(node: Node, parent: Node, name: ByteString): Entry {
    if (!node.nameless && node.parent === parent && node.entry.name === name) return node.entry;
    return lookup(this.stack, parent.entry, name);
  }

  /** A name of a node moved. */
  moved(node: Node, from: Node, oldName: ByteString, to: Node, name: ByteString): void {
    this.nodes.unname(from, oldName, node);
    this.nodes.name(to, name, node);
    const others = node.otherNames ?? [];
    const at = others.findIndex((other) => other.parent === from && other.name === oldName);
    if (at >= 0) others[at] = { parent: to, name };
    else node.parent = to;
  }

  /**
   * Reads the attributes of what can change.
   * @param fresh the upper object was read just now
   */
  update(node: Node, fresh = false): void {
    const { entry } = node;
    if (entry.upper && !fresh) refresh(this.stack, entry.upper);
    node.attributes = attributesOf(this.stack, this.numbers, entry);
  }

  /** The nodes of what is stale since the last call: the kernel's attributes of them are old. */
  takeStale(): Node[] {
    const entries = this.stack.area?.stale.splice(0) ?? [];
    const nodes = entries.map((entry) => this.nodes.of(entry)).filter((node) => node !== undefined);
    // What was one lower directory is merged now, and lists otherwise.
    for (const node of nodes) this.changed(node);
    return nodes;
  }

  /** What a directory lists is to be read again. */
  changed(directory: Node): void {
    directory.listing = null;
    directory.listed = false;
  }

  /**
   * Tells the kernel of a node: one more FORGET is owed.
   * @param fresh its attributes were read just now; else those of an upper object may have changed
   */
  handOut(reply: Reply, at: number, node: Node, fresh = false): void {
    if (!fresh && node.entry.upper && this.stack.area) this.update(node);
    node.lookups += 1;
    reply.putEntry(at, node.id, 0, node.attributes);
  }
}
