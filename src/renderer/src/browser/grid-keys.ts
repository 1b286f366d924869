// SPDX-License-Identifier: MIT
import type { Tree } from './tree.svelte';

const TYPE_AHEAD_MS = 700;

/** The keys of the treegrid. Answers whether the key was one of them. */
export class GridKeys {
  #typed = '';
  #typedAt = 0;

  constructor(
    private readonly tree: Tree,
    private readonly pageRows: () => number,
    private readonly enter: () => void,
  ) {}

  handle(event: KeyboardEvent): boolean {
    const { tree } = this;
    const at = tree.position;
    if (event.ctrlKey || event.metaKey || (event.altKey && event.key !== 'Enter')) return false;
    switch (event.key) {
      case 'ArrowDown':
        return this.#go(at + 1);
      case 'ArrowUp':
        return this.#go(Math.max(0, at - 1));
      case 'Home':
        return this.#go(0);
      case 'End':
        return this.#go(tree.size - 1);
      case 'PageDown':
        return this.#go(Math.min(tree.size - 1, Math.max(0, at) + this.pageRows()));
      case 'PageUp':
        return this.#go(Math.max(0, at - this.pageRows()));
      case 'ArrowRight':
        return this.#right(at);
      case 'ArrowLeft':
        return this.#left(at);
      case 'Backspace':
        return this.#parent(at);
      case '*':
        return this.#expandSiblings(at);
      case 'Enter':
        this.enter();
        return true;
      default:
        return event.key.length === 1 && event.key !== ' ' && this.#typeAhead(event.key, at);
    }
  }

  #go(position: number): boolean {
    const slot = this.tree.model?.slot(position);
    if (slot?.row) this.tree.select(slot);
    // A line whose page is still on its way: asked for here, chosen when it has come.
    else if (slot) void this.#goWhenLoaded(position);
    return true;
  }

  async #goWhenLoaded(position: number): Promise<void> {
    const { model } = this.tree;
    for (let tries = 0; tries < 100 && model === this.tree.model; tries++) {
      model?.ensure(position, position + 1);
      await new Promise((done) => setTimeout(done, 20));
      const slot = model?.slot(position);
      if (slot?.row) return this.tree.select(slot);
    }
  }

  #right(at: number): boolean {
    const slot = this.tree.model?.slot(at);
    if (slot?.expanded) return slot.expanded.total > 0 ? this.#go(at + 1) : true;
    if (slot) void this.tree.toggle(slot, true);
    return true;
  }

  #left(at: number): boolean {
    const slot = this.tree.model?.slot(at);
    if (!slot?.expanded) return this.#parent(at);
    void this.tree.toggle(slot, false);
    return true;
  }

  #parent(at: number): boolean {
    const { model } = this.tree;
    const directory = model?.slot(at)?.directory;
    if (model && directory?.parent) this.#go(model.positionOf(directory.parent, directory.index));
    return true;
  }

  #expandSiblings(at: number): boolean {
    const { model } = this.tree;
    const directory = model?.slot(at)?.directory;
    if (!model || !directory) return true;
    const folders = [...directory.rows].filter(([, row]) => row.kind === 'directory').slice(0, 200);
    for (const [index] of folders) {
      const slot = model.slot(model.positionOf(directory, index));
      if (slot) void this.tree.toggle(slot, true);
    }
    return true;
  }

  /** Looks on from the cursor among the lines that are loaded; one letter again and again steps through. */
  #typeAhead(key: string, at: number): boolean {
    const { model } = this.tree;
    const now = performance.now();
    this.#typed = now - this.#typedAt < TYPE_AHEAD_MS ? this.#typed + key.toLowerCase() : key.toLowerCase();
    this.#typedAt = now;
    const same = [...this.#typed].every((char) => char === this.#typed[0]);
    const wanted = same ? (this.#typed[0] ?? '') : this.#typed;
    const from = same ? 1 : 0;
    const size = Math.min(model?.size ?? 0, 20_000);
    for (let step = from; step < size + from; step++) {
      const slot = model?.slot((Math.max(0, at) + step) % size);
      if (slot?.row?.name.toLowerCase().startsWith(wanted)) {
        this.tree.select(slot);
        return true;
      }
    }
    return true;
  }
}
