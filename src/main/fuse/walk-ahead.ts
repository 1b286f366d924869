// SPDX-License-Identifier: MIT
import type { Node } from './node-table';

/** Directories read and not asked for yet: a walk that ends early has cost this much in vain. */
const MOST_AHEAD = 64;
/** Directories that may wait; the oldest go first. */
const MOST_WAITING = 4096;

/**
 * Reads the directories that a walk of the tree will ask for next, while there is nothing else to do: a program like
 * find or tar takes its time over each answer. It follows the order of such walks, depth first.
 */
export class WalkAhead {
  private readonly waiting: Node[] = [];
  private readonly ahead = new Set<Node>();

  /** @param read lists the directory and resolves its names; returns its subdirectories, in the listed order */
  constructor(private readonly read: (directory: Node) => Node[]) {}

  /**
   * A directory was listed for somebody.
   * @param subdirectories in the listed order
   */
  listed(directory: Node, subdirectories: () => readonly Node[]): void {
    if (this.ahead.delete(directory)) return;
    if (this.ahead.size >= MOST_AHEAD) this.forget();
    // Only a second level tells a walk from a look at one directory.
    if (directory.parent?.listed) this.push(subdirectories());
    directory.listed = true;
  }

  /** Reads one directory. Returns false where there is none to read. */
  step(): boolean {
    if (this.ahead.size >= MOST_AHEAD) return false;
    const directory = this.waiting.pop();
    if (!directory) return false;
    if (directory.listed) return true;
    directory.listed = true;
    this.ahead.add(directory);
    this.push(this.read(directory));
    return true;
  }

  /** The walk went elsewhere: lets go of what was read for it. */
  private forget(): void {
    for (const directory of this.ahead) {
      directory.listing = null;
      directory.listed = false;
    }
    this.ahead.clear();
    this.waiting.length = 0;
  }

  private push(subdirectories: readonly Node[]): void {
    for (let i = subdirectories.length - 1; i >= 0; i--) this.waiting.push(subdirectories[i]!);
    if (this.waiting.length > MOST_WAITING) this.waiting.splice(0, this.waiting.length - MOST_WAITING);
  }
}
