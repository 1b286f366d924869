// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import type { SpaceTile } from '@shared/contract';
import { ROOT, type PathTable } from '../path-table';
import type { StoredFiles } from './stored-files';

/** Levels of a picture below the directory that it is of. */
const LEVELS = 3;
/** Things of one directory that are shown apart, and the least part of the picture that one has. */
const MOST = 40;
const LEAST = 0.002;

interface Building {
  readonly node: number | null;
  readonly children: Building[];
  bytes: number;
  hiddenBytes: number;
  /** Bytes of each layer. */
  readonly layers: Float64Array;
}

/** The space below each name of a stack, and pictures of it. Made when the walk is over. */
export class SpaceTiles {
  readonly #bytes: Float64Array;

  constructor(
    private readonly table: PathTable,
    private readonly files: StoredFiles,
    private readonly layerCount: number,
  ) {
    this.#bytes = new Float64Array(table.size);
    for (let file = 0; file < files.count; file++) this.#bytes[files.node.get(file)]! += files.bytes.get(file);
    // A directory always has a smaller number than what is in it.
    for (let node = table.size - 1; node > ROOT; node--) this.#bytes[table.parentOf(node)]! += this.#bytes[node]!;
  }

  /** What is below a node, a few levels deep; small things of one directory are taken together. */
  below(node: number): SpaceTile {
    const leaves = new Map<number, Building>();
    const root = this.#build(node, this.#bytes[node]!, LEVELS, leaves);
    this.#fill(node, leaves, root);
    this.#addUp(root);
    return this.#tile(root, node);
  }

  #build(node: number, whole: number, levels: number, leaves: Map<number, Building>): Building {
    const tile = this.#empty(node);
    const children = [...this.table.children(node)].filter((child) => this.#bytes[child]! > 0);
    if (levels === 0 || children.length === 0) {
      leaves.set(node, tile);
      return tile;
    }
    children.sort((a, b) => this.#bytes[b]! - this.#bytes[a]!);
    const shown = children.filter((child, i) => i < MOST && this.#bytes[child]! >= whole * LEAST);
    tile.children.push(...shown.map((child) => this.#build(child, whole, levels - 1, leaves)));
    const rest = children.slice(shown.length);
    if (rest.length > 0) {
      const others = this.#empty(null);
      for (const child of rest) leaves.set(child, others);
      tile.children.push(others);
    }
    // A name may be a file in one layer and a directory in another.
    leaves.set(node, tile);
    return tile;
  }

  /** Each stored file counts for the tile nearest above it. */
  #fill(top: number, leaves: ReadonlyMap<number, Building>, root: Building): void {
    for (let file = 0; file < this.files.count; file++) {
      let node = this.files.node.get(file);
      let tile = leaves.get(node);
      while (!tile && node !== ROOT) tile = leaves.get((node = this.table.parentOf(node)));
      if (!tile || (tile === root && !this.#isBelow(this.files.node.get(file), top))) continue;
      const bytes = this.files.bytes.get(file);
      tile.bytes += bytes;
      tile.layers[this.files.layer.get(file)]! += bytes;
      if (this.files.hidingOf(file)) tile.hiddenBytes += bytes;
    }
  }

  #isBelow(node: number, top: number): boolean {
    let at = node;
    while (at > top) at = this.table.parentOf(at);
    return at === top;
  }

  #addUp(tile: Building): void {
    for (const child of tile.children) {
      this.#addUp(child);
      tile.bytes += child.bytes;
      tile.hiddenBytes += child.hiddenBytes;
      child.layers.forEach((bytes, layer) => (tile.layers[layer]! += bytes));
    }
  }

  #tile({ node, children, bytes, hiddenBytes, layers }: Building, above: number): SpaceTile {
    const at = node ?? above;
    return {
      node,
      name: node === null ? '' : node === ROOT ? '/' : display(this.table.nameOf(node)),
      path: display(this.table.pathOf(at)),
      bytes,
      hiddenBytes,
      layer: layers.indexOf(Math.max(...layers)),
      isDirectory: node !== null && !this.table.children(node).next().done,
      children: children.map((child) => this.#tile(child, at)).filter((child) => child.bytes > 0),
    };
  }

  #empty(node: number | null): Building {
    return { node, children: [], bytes: 0, hiddenBytes: 0, layers: new Float64Array(this.layerCount) };
  }
}
