// SPDX-License-Identifier: MIT
import { bytesOf, type ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import type { ChildrenPage } from '@shared/contract';
import { Failure } from '@shared/failure';
import { engineOptions, type WhiteoutForm } from '@shared/lamina-options';
import type { EntryRow, Explanation, Preview } from '@shared/view';
import { SystemError } from '../system/libc';
import { isDirectoryEntry, type Entry } from './entry';
import { explainName, explainRoot } from './explain';
import { hiddenNames, type HiddenName } from './hidden';
import { lookup } from './lookup';
import { previewOf } from './preview';
import { listNames } from './readdir';
import { entryRow, hiddenRow, listedRow } from './rows';
import { OverlayStack } from './stack';

/** A name in a directory of the tree, numbered for the window; the entry is resolved when its row is first asked for. */
interface ViewNode {
  readonly parent: Entry;
  readonly name: ByteString;
  readonly hidden: HiddenName | null;
  /** Layer of the topmost object, for a name that lookup refuses. */
  readonly layer: number | null;
  row: EntryRow | null;
  entry: Entry | null;
}

/** The numbered names of a directory, sorted. */
interface Listing {
  readonly visible: readonly number[];
  readonly withHidden: readonly number[] | null;
}

/** The merged tree of a composition as the window browses it: pages of rows, explanations, previews. No mount. */
export class MergedView {
  private readonly stack: OverlayStack;
  private readonly nodes: ViewNode[] = [];
  private readonly listings = new Map<number, Listing>();

  /** @throws Failure that names the layer that cannot be read */
  constructor(composition: Composition, whiteouts: WhiteoutForm = 'kernel') {
    this.stack = new OverlayStack(composition, { ...engineOptions(composition), whiteouts });
    const { root } = this.stack;
    this.nodes.push({
      parent: root,
      name: '',
      hidden: null,
      layer: null,
      row: entryRow(this.stack, 0, root),
      entry: root,
    });
  }

  get root(): EntryRow {
    return this.nodes[0]!.row!;
  }

  /**
   * A page of a directory's names, sorted by bytes.
   * @param hidden also those that whiteouts and opaque directories hide
   */
  children(node: number, offset: number, limit: number, hidden: boolean): ChildrenPage {
    const numbers = this.listing(node, hidden);
    return { total: numbers.length, rows: numbers.slice(offset, offset + limit).map((number) => this.row(number)) };
  }

  explain(node: number): Explanation {
    const { parent, name } = this.node(node);
    return node === 0 ? explainRoot(this.stack) : explainName(this.stack, parent, name, node);
  }

  /** Explains a typed path; where a directory on the way is not visible, that one. */
  explainPath(text: string): Explanation {
    return this.explainBytes(bytesOf(text));
  }

  /** As `explainPath`, for a path whose bytes are known. */
  explainBytes(path: ByteString): Explanation {
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    if (names.length === 0) return explainRoot(this.stack);
    let parent = this.stack.root;
    let number = 0;
    for (const [index, name] of names.entries()) {
      number = this.numberOf(number, name);
      const explanation = explainName(this.stack, parent, name, number);
      const entry = explanation.visible ? this.resolve(parent, name) : null;
      if (index === names.length - 1 || !entry || !isDirectoryEntry(entry)) return explanation;
      parent = entry;
    }
    return explainRoot(this.stack);
  }

  preview(node: number): Preview {
    const { entry, parent, name } = this.node(node);
    const found = entry ?? this.resolve(parent, name);
    return found
      ? previewOf(this.stack, found)
      : { kind: 'none', content: 'The name is not visible in the merged tree.', shown: 0, size: 0 };
  }

  close(): void {
    this.stack.close();
  }

  private node(number: number): ViewNode {
    const node = this.nodes[number];
    if (!node) throw new Failure('ENOENT', 'The row is not there any more.', 'Reload the tree.');
    return node;
  }

  private resolve(parent: Entry, name: ByteString): Entry | null {
    try {
      return lookup(this.stack, parent, name);
    } catch (error) {
      if (error instanceof SystemError) return null;
      throw error;
    }
  }

  /** The number of a visible child, so that a typed path leads to the row that the tree shows. */
  private numberOf(directory: number, name: ByteString): number {
    if (!this.nodes[directory]?.entry) this.row(directory);
    if (!this.nodes[directory]?.entry || !isDirectoryEntry(this.nodes[directory].entry)) return 0;
    return this.listing(directory, false).find((number) => this.nodes[number]!.name === name) ?? 0;
  }

  private listing(number: number, hidden: boolean): readonly number[] {
    const node = this.node(number);
    if (!node.entry) this.row(number);
    if (!node.entry || !isDirectoryEntry(node.entry)) return [];
    const { entry } = node;
    let listing = this.listings.get(number);
    if (!listing) {
      const names = listNames(this.stack, entry).filter(({ name }) => name !== '.' && name !== '..');
      names.sort((a, b) => (a.name < b.name ? -1 : 1));
      listing = {
        visible: names.map(({ name, from }) => this.number(entry, name, null, from.layer.index)),
        withHidden: null,
      };
      this.listings.set(number, listing);
    }
    if (!hidden) return listing.visible;
    if (!listing.withHidden) {
      listing = { ...listing, withHidden: this.addHidden(entry, listing.visible) };
      this.listings.set(number, listing);
    }
    return listing.withHidden!;
  }

  private addHidden(entry: Entry, visible: readonly number[]): number[] {
    const shown = new Set(visible.map((number) => this.nodes[number]!.name));
    const hidden = hiddenNames(this.stack, entry, shown).map((found) => this.number(entry, found.name, found, null));
    const nameOf = (number: number): ByteString => this.nodes[number]!.name;
    return [...visible, ...hidden].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  }

  private number(parent: Entry, name: ByteString, hidden: HiddenName | null, layer: number | null): number {
    this.nodes.push({ parent, name, hidden, layer, row: null, entry: null });
    return this.nodes.length - 1;
  }

  private row(number: number): EntryRow {
    const node = this.node(number);
    node.row ??= this.makeRow(number, node);
    return node.row;
  }

  private makeRow(number: number, node: ViewNode): EntryRow {
    if (node.hidden) return hiddenRow(number, node.hidden);
    try {
      node.entry = lookup(this.stack, node.parent, node.name);
      return entryRow(this.stack, number, node.entry);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      return listedRow(number, node.name, error.code, node.layer);
    }
  }
}
