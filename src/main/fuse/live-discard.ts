// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { discardChanges } from '../overlay/discard';
import { planDiscard } from '../overlay/discard-plan';
import { hold } from '../overlay/remove';
import type { OverlayStack } from '../overlay/stack';
import type { Node } from './node-table';
import type { Tree } from './tree';

export interface DiscardOrder {
  /** Of changes; null for all. */
  readonly paths: readonly ByteString[] | null;
  /** Of the plan that was agreed to. */
  readonly token: string;
  readonly workdir: ByteString;
}

/** What the kernel is to forget: names in directories that it knows, and attributes. */
export interface Stale {
  readonly names: readonly { readonly parent: number; readonly name: ByteString }[];
  readonly attributes: readonly number[];
}

/**
 * Undoes changes of the upper under a live mount. What is taken away stays usable for who has it open, as after an
 * unlink; its names lead to what lies below again.
 * @throws Failure and SystemError as `discardChanges`
 */
export function discardLive(stack: OverlayStack, tree: Tree, order: DiscardOrder): Stale {
  const { paths, token, workdir } = order;
  const names: { parent: number; name: ByteString }[] = [];
  const attributes = new Set<number>();
  const going: { parent: Node; name: ByteString; node: Node | null }[] = [];
  for (const { path, removes, restores } of planDiscard(stack, paths).items) {
    if (restores) for (const node of knownNodes(tree, [path])) attributes.add(node.id);
    for (const removed of removes) {
      const slash = removed.lastIndexOf('/');
      const parent = known(tree, removed.slice(0, slash));
      if (!parent) continue;
      const name = removed.slice(slash + 1);
      const node = parent.children?.get(name) ?? null;
      if (node) holdAll(stack, node);
      going.push({ parent, name, node });
    }
  }
  try {
    discardChanges(stack, { paths, token, workdir, tidy: false });
  } finally {
    for (const { parent, name, node } of going) {
      if (node) detach(tree, parent, name, node);
      tree.changed(parent);
      tree.update(parent);
      names.push({ parent: parent.id, name });
      attributes.add(parent.id);
    }
  }
  return { names, attributes: [...attributes] };
}

/** The node at a path of the merged tree, if the kernel may know it. */
function known(tree: Tree, path: ByteString): Node | null {
  let node: Node | null = tree.nodes.root;
  for (const name of path.split('/')) if (name !== '') node = node?.children?.get(name) ?? null;
  return node;
}

const knownNodes = (tree: Tree, paths: readonly ByteString[]): Node[] =>
  paths.map((path) => known(tree, path)).filter((node) => node !== null);

/** Keeps the upper objects of a node and of all below it reachable without their names. */
function holdAll(stack: OverlayStack, node: Node): void {
  hold(stack, node.entry);
  for (const child of node.children?.values() ?? []) holdAll(stack, child);
}

/** The name is not the node's any more; what is below goes with it. */
function detach(tree: Tree, parent: Node, name: ByteString, node: Node): void {
  for (const [below, child] of [...(node.children ?? [])]) detach(tree, node, below, child);
  tree.unlinked(node, parent, name);
  if (node.nameless && node.lookups <= 0) tree.nodes.remove(node);
}
