// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Entry } from '../overlay/entry';
import { lookup } from '../overlay/lookup';
import type { OverlayStack } from '../overlay/stack';

/** Entries kept: a path-based transport asks for the same parents again and again. */
const CAPACITY = 32768;

/** Finds entries by path, and remembers the latest. */
export class PathTree {
  private readonly entries = new Map<ByteString, Entry>();

  constructor(private readonly stack: OverlayStack) {}

  get size(): number {
    return this.entries.size;
  }

  /** @param path absolute, without empty elements. Throws what lookup throws. */
  find(path: ByteString): Entry {
    if (path === '/') return this.stack.root;
    const known = this.entries.get(path);
    if (known) return known;
    const slash = path.lastIndexOf('/');
    const entry = lookup(this.stack, this.find(path.slice(0, slash) || '/'), path.slice(slash + 1));
    if (this.entries.size >= CAPACITY) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(path, entry);
    return entry;
  }
}
