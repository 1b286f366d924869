// SPDX-License-Identifier: MIT
import { HIDINGS, type Hiding, type StoredFile } from '@shared/analysis';
import { float64, int32, uint16, uint8 } from '../columns';
import { NONE, type PathTable } from '../path-table';

/** Instead of the number of a content: no other file has the same, or nobody has looked. */
export const OWN_CONTENT = -1;
const SHOWN = 255;

/** Every regular file that a layer stores, numbered: an inode once, by the first of its names. */
export class StoredFiles {
  readonly node = int32();
  readonly layer = uint16();
  readonly bytes = float64();
  /** Files of the same number have the same content. */
  readonly content = int32();
  /** The file that took its name, where it has as many bytes: it may be a copy. */
  readonly successor = int32();
  readonly #names = uint16();
  readonly #how = uint8();
  readonly #by = uint16();

  constructor(private readonly table: PathTable) {}

  get count(): number {
    return this.node.length;
  }

  add(node: number, layer: number, bytes: number): number {
    this.layer.push(layer);
    this.bytes.push(bytes);
    this.content.push(OWN_CONTENT);
    this.successor.push(NONE);
    this.#names.push(0);
    this.#how.push(SHOWN);
    this.#by.push(0);
    return this.node.push(node);
  }

  /** One more name of the finished tree shows the file. */
  show(file: number): void {
    this.#names.add(file, 1);
  }

  /** A name of it is hidden; with the last one the file is. */
  hide(file: number, by: number, how: Hiding): void {
    this.#names.add(file, -1);
    if (this.#names.get(file) > 0) return;
    this.#how.set(file, HIDINGS.indexOf(how));
    this.#by.set(file, by);
  }

  hidingOf(file: number): { readonly by: number; readonly how: Hiding } | null {
    const how = this.#how.get(file);
    if (how === SHOWN) return null;
    return { by: this.#by.get(file), how: this.#isCopied(file) ? 'copied' : HIDINGS[how]! };
  }

  fileOf(file: number): StoredFile {
    return {
      path: this.table.pathOf(this.node.get(file)),
      layer: this.layer.get(file),
      bytes: this.bytes.get(file),
      hidden: this.hidingOf(file),
    };
  }

  #isCopied(file: number): boolean {
    const next = this.successor.get(file);
    if (next === NONE) return false;
    const content = this.content.get(file);
    return content !== OWN_CONTENT && content === this.content.get(next);
  }
}
