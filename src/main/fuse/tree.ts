// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ANYWHERE, topOf, type Entry } from '../overlay/entry';
import { blocksOf, linksOf } from '../overlay/file-data';
import { InodeNumbers } from '../overlay/inode-numbers';
import { lookup } from '../overlay/lookup';
import type { OverlayStack } from '../overlay/stack';
import { ERRNO, SystemError } from '../system/libc';
import { NodeTable, type Node } from './node-table';
import type { Attributes, Reply } from './reply';
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
    this.nodes = new NodeTable(stack.root, this.attributesOf(stack.root));
  }

  /** What stat(2) shows of an entry. */
  attributesOf(entry: Entry): Attributes {
    const { stat } = topOf(entry);
    const { low, high } = this.numbers.of(stat);
    return { stat, inoLow: low, inoHigh: high, nlink: linksOf(entry), blocks: blocksOf(entry) };
  }

  /** The node that a request is about. */
  node({ nodeId }: Pick<Request, 'nodeId'>): Node {
    return this.nodes.get(nodeId) ?? refuse(ERRNO.ESTALE, 'node');
  }

  /** The child's node. Throws what the lookup throws. */
  childOf(parent: Node, name: ByteString, components = ANYWHERE): Node {
    const known = parent.children?.get(name);
    if (known) return known;
    const entry = lookup(this.stack, parent.entry, name, null, components);
    return this.nodes.add(parent, entry, this.attributesOf(entry));
  }

  /** Tells the kernel of a node: one more FORGET is owed. */
  handOut(reply: Reply, at: number, node: Node): void {
    node.lookups += 1;
    reply.putEntry(at, node.id, 0, node.attributes);
  }
}
