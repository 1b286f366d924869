// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { int32 } from './columns';

/** The root of every table. */
export const ROOT = 0;
/** Instead of a node: there is none. */
export const NONE = -1;

/** The names of a tree, numbered: each knows its directory, its first child and its next sibling. No name ever goes. */
export class PathTable {
  readonly names: ByteString[] = [''];
  readonly #parent = int32();
  readonly #first = int32();
  readonly #next = int32();

  constructor() {
    this.#parent.push(NONE);
    this.#first.push(NONE);
    this.#next.push(NONE);
  }

  get size(): number {
    return this.names.length;
  }

  add(parent: number, name: ByteString): number {
    const node = this.names.push(name) - 1;
    this.#parent.push(parent);
    this.#first.push(NONE);
    this.#next.push(this.#first.get(parent));
    this.#first.set(parent, node);
    return node;
  }

  parentOf(node: number): number {
    return this.#parent.get(node);
  }

  nameOf(node: number): ByteString {
    return this.names[node]!;
  }

  /** The children of a directory, the latest first. */
  *children(node: number): Generator<number> {
    for (let child = this.#first.get(node); child !== NONE; child = this.#next.get(child)) yield child;
  }

  /** The children of a directory by name, for looking many of them up. */
  byName(node: number): Map<ByteString, number> {
    const found = new Map<ByteString, number>();
    for (let child = this.#first.get(node); child !== NONE; child = this.#next.get(child)) {
      found.set(this.names[child]!, child);
    }
    return found;
  }

  /** Calls `visit` for the node and all below it. */
  each(node: number, visit: (node: number) => void): void {
    const waiting = [node];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      visit(at);
      for (let child = this.#first.get(at); child !== NONE; child = this.#next.get(child)) waiting.push(child);
    }
  }

  /** `/`, `/usr/bin`. */
  pathOf(node: number): ByteString {
    if (node === ROOT) return '/';
    const names: ByteString[] = [];
    for (let at = node; at !== ROOT; at = this.#parent.get(at)) names.push(this.names[at]!);
    return `/${names.reverse().join('/')}`;
  }
}
