// SPDX-License-Identifier: MIT

const DEPTH = 200;

/** Undo and redo over values that never change: past, future, and whoever holds the present. */
export class History<T> {
  readonly #past: T[] = [];
  #future: T[] = [];

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  /** `present` is about to be replaced by a new value. */
  push(present: T): void {
    this.#past.push(present);
    if (this.#past.length > DEPTH) this.#past.shift();
    this.#future = [];
  }

  /** What was before `present`; null at the beginning. */
  undo(present: T): T | null {
    const previous = this.#past.pop();
    if (previous === undefined) return null;
    this.#future.push(present);
    return previous;
  }

  redo(present: T): T | null {
    const next = this.#future.pop();
    if (next === undefined) return null;
    this.#past.push(present);
    return next;
  }
}
