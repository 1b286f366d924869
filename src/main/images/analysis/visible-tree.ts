// SPDX-License-Identifier: MIT
import type { Hiding } from '@shared/analysis';
import { int32, uint8 } from '../columns';
import { NONE, type PathTable } from '../path-table';
import type { StoredFiles } from './stored-files';

const ABSENT = 0;
const DIRECTORY = 1;
const OBJECT = 2;

/** What the layers stacked so far show, as overlayfs merges them, and so what each further layer hides. */
export class VisibleTree {
  readonly #state = uint8();
  /** The stored file that gives a name its data. */
  readonly #file = int32();

  constructor(
    private readonly table: PathTable,
    private readonly files: StoredFiles,
  ) {}

  /** The file that a name shows, or `NONE`. */
  fileOf(node: number): number {
    return node < this.#file.length ? this.#file.get(node) : NONE;
  }

  /** A directory of a layer: it merges with one below, unless it is opaque. */
  putDirectory(node: number, layer: number, opaque: boolean): void {
    this.#grow();
    if (this.#state.get(node) !== DIRECTORY || opaque) this.#hideAll(node, layer, 'deleted');
    this.#state.set(node, DIRECTORY);
  }

  /** A regular file of a layer, by one of its names. */
  putFile(node: number, layer: number, file: number): void {
    this.#grow();
    const before = this.#file.get(node);
    if (before !== NONE && this.files.bytes.get(before) === this.files.bytes.get(file)) {
      this.files.successor.set(before, file);
    }
    this.#hideAll(node, layer, this.#state.get(node) === DIRECTORY ? 'deleted' : 'overwritten');
    this.#state.set(node, OBJECT);
    this.#file.set(node, file);
    this.files.show(file);
  }

  /** A file with metadata alone: the data below are shown still. */
  putMetacopy(node: number): void {
    this.#grow();
    this.#state.set(node, OBJECT);
  }

  putOther(node: number, layer: number): void {
    this.#grow();
    this.#hideAll(node, layer, 'deleted');
    this.#state.set(node, OBJECT);
  }

  whiteout(node: number, layer: number): void {
    this.#grow();
    this.#hideAll(node, layer, 'deleted');
  }

  #hideAll(node: number, layer: number, how: Hiding): void {
    if (this.#state.get(node) === ABSENT) return;
    this.table.each(node, (below) => {
      if (below >= this.#state.length) return;
      this.#state.set(below, ABSENT);
      const file = this.#file.get(below);
      if (file !== NONE) this.files.hide(file, layer, how);
      this.#file.set(below, NONE);
    });
  }

  #grow(): void {
    while (this.#state.length < this.table.size) {
      this.#state.push(ABSENT);
      this.#file.push(NONE);
    }
  }
}
