// SPDX-License-Identifier: MIT
import type { Efficiency, InefficientPath } from '@shared/analysis';
import { float64, int32, uint8 } from '../columns';
import { NONE, ROOT, type PathTable } from '../path-table';

const ABSENT = 0;
const DIRECTORY = 2;
const OBJECT = 1;

/**
 * dive's efficiency, by dive's rules (filetree/efficiency.go and image/analysis.go of wagoodman/dive), so that its
 * thresholds mean the same here. They are dive's, not ours:
 * - Only leaves count: objects, whiteouts, and directories in which the layer has nothing. Each path keeps the smallest
 *   size that it was ever stored with, and the sum of all of them; the score is the sum of the smallest over the sum of all.
 * - A whiteout counts what is in the directory that it removes; that of a file counts 0.
 * - A whiteout over nothing ends the counting of its layer, in the order of names in which it is written `.wh.NAME`.
 * - Opaque directories hide nothing, and a file in the place of a directory does not remove what is in it.
 * - Wasted are all bytes of paths that are stored or removed at least twice, the first time too.
 */
export class EfficiencyCount {
  /** The tree that dive has stacked so far. */
  readonly #state = uint8();
  readonly #size = float64();
  readonly #least = float64();
  readonly #sum = float64();
  readonly #times = int32();
  readonly #layerBytes: number[] = [];
  #ended = false;

  constructor(private readonly table: PathTable) {}

  startLayer(): void {
    this.#layerBytes.push(0);
    this.#ended = false;
  }

  /** An object or a directory of the layer. Children before their directory. */
  put(node: number, bytes: number, isDirectory: boolean, isLeaf: boolean): void {
    this.#grow();
    this.#layerBytes[this.#layerBytes.length - 1]! += bytes;
    if (isLeaf) this.#count(node, bytes);
    for (let above = this.table.parentOf(node); above !== ROOT && above !== NONE; above = this.table.parentOf(above)) {
      if (this.#state.get(above) !== ABSENT) break;
      this.#state.set(above, OBJECT);
    }
    this.#state.set(node, isDirectory ? DIRECTORY : OBJECT);
    this.#size.set(node, bytes);
  }

  whiteout(node: number): void {
    this.#grow();
    const state = this.#state.get(node);
    if (state === ABSENT) {
      this.#ended = true;
      return;
    }
    let bytes = 0;
    this.table.each(node, (below) => {
      if (below < this.#state.length && this.#state.get(below) !== ABSENT) bytes += this.#size.get(below);
    });
    this.#count(node, state === DIRECTORY ? bytes : 0);
    this.table.each(node, (below) => {
      if (below >= this.#state.length) return;
      this.#state.set(below, ABSENT);
      this.#size.set(below, 0);
    });
  }

  result(): { readonly efficiency: Efficiency; readonly inefficient: readonly InefficientPath[] } {
    let least = 0;
    let sum = 0;
    let wastedBytes = 0;
    const inefficient: InefficientPath[] = [];
    for (let node = 0; node < this.#times.length; node++) {
      const count = this.#times.get(node);
      if (count === 0) continue;
      const bytes = this.#sum.get(node);
      least += this.#least.get(node);
      sum += bytes;
      if (count < 2) continue;
      wastedBytes += bytes;
      inefficient.push({ path: this.table.pathOf(node), count, bytes });
    }
    inefficient.sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1));
    const sizeBytes = this.#layerBytes.reduce((all, bytes) => all + bytes, 0);
    const userBytes = sizeBytes - (this.#layerBytes[0] ?? 0);
    const score = sum === 0 ? 1 : least / sum;
    return {
      efficiency: { score, sizeBytes, userBytes, wastedBytes, userWastedPercent: wastedBytes / userBytes },
      inefficient,
    };
  }

  #count(node: number, bytes: number): void {
    if (this.#ended) return;
    const times = this.#times.get(node);
    if (times === 0 || bytes < this.#least.get(node)) this.#least.set(node, bytes);
    this.#sum.add(node, bytes);
    this.#times.set(node, times + 1);
  }

  #grow(): void {
    while (this.#state.length < this.table.size) {
      this.#state.push(ABSENT);
      this.#size.push(0);
      this.#least.push(0);
      this.#sum.push(0);
      this.#times.push(0);
    }
  }
}
