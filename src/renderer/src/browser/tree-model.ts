// SPDX-License-Identifier: MIT
import type { ChildrenPage } from '@shared/contract';
import type { EntryRow } from '@shared/view';

const PAGE = 500;

export type FetchChildren = (node: number, offset: number, limit: number) => Promise<ChildrenPage>;

/** An expanded directory. Its rows come page by page; the model knows how many there are from the first page on. */
export interface Directory {
  /** As shown: `''` for the root, `/usr/bin` below. */
  readonly path: string;
  readonly node: number;
  readonly level: number;
  readonly parent: Directory | null;
  /** Its own place among its parent's names. */
  readonly index: number;
  readonly total: number;
  readonly rows: Map<number, EntryRow>;
  readonly pages: Map<number, Promise<void>>;
  /** Expanded subdirectories, in order of `index`. */
  readonly open: Directory[];
  /** Rows on screen below it: its own names and those of the directories open in it. */
  size: number;
}

/** One line of the tree; `row` is missing until its page has come. */
export interface Slot {
  readonly directory: Directory;
  readonly index: number;
  readonly row: EntryRow | undefined;
  readonly path: string;
  readonly expanded: Directory | undefined;
}

/**
 * The expanded part of a merged tree as one list of lines, without ever holding a line per name: a directory of
 * 100,000 names costs what has been looked at.
 */
export class TreeModel {
  #root: Directory | null = null;

  constructor(
    private readonly fetch: FetchChildren,
    private readonly changed: () => void,
  ) {}

  async load(root: EntryRow): Promise<void> {
    this.#root = await this.#read(root.node, '', null, -1);
    this.changed();
  }

  get size(): number {
    return this.#root?.size ?? 0;
  }

  slot(position: number): Slot | null {
    const root = this.#root;
    return root && position >= 0 && position < root.size ? this.#locate(root, position) : null;
  }

  positionOf(directory: Directory, index: number): number {
    let position = index;
    for (const child of directory.open) if (child.index < index) position += child.size;
    const { parent } = directory;
    return parent ? this.positionOf(parent, directory.index) + 1 + position : position;
  }

  /** Asks for the pages of the lines from `first` up to `end` that are not here yet. */
  ensure(first: number, end: number): void {
    for (let position = first; position < end; position++) {
      const slot = this.slot(position);
      if (slot && !slot.row) void this.#page(slot.directory, slot.index);
    }
  }

  async expand(slot: Slot): Promise<Directory | null> {
    if (slot.expanded) return slot.expanded;
    const { directory, index, row, path } = slot;
    if (row?.kind !== 'directory') return null;
    const child = await this.#read(row.node, path, directory, index);
    const known = directory.open.find((other) => other.index === index);
    if (known) return known;
    const at = directory.open.findIndex((other) => other.index > index);
    directory.open.splice(at < 0 ? directory.open.length : at, 0, child);
    this.#grow(directory, child.size);
    return child;
  }

  collapse(child: Directory): void {
    const { parent } = child;
    const at = parent ? parent.open.indexOf(child) : -1;
    if (!parent || at < 0) return;
    parent.open.splice(at, 1);
    this.#grow(parent, -child.size);
  }

  /** Expands down to `path` and answers with its line; null when it is not in the merged view. */
  async find(path: string): Promise<Slot | null> {
    let directory = this.#root;
    let slot: Slot | null = null;
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (slot) directory = await this.expand(slot);
      slot = directory && (await this.#child(directory, name));
      if (!slot) return null;
    }
    return slot;
  }

  /** Paths of all expanded directories, parents first. */
  expandedPaths(): string[] {
    const paths: string[] = [];
    const visit = (directory: Directory): void => {
      for (const child of directory.open) {
        paths.push(child.path);
        visit(child);
      }
    };
    if (this.#root) visit(this.#root);
    return paths;
  }

  /** The line `rest` lines below the directory's own. */
  #locate(directory: Directory, rest: number): Slot {
    let inserted = 0;
    for (const child of directory.open) {
      const at = child.index + inserted;
      if (rest <= at) break;
      if (rest <= at + child.size) return this.#locate(child, rest - at - 1);
      inserted += child.size;
    }
    return this.#slotOf(directory, rest - inserted);
  }

  async #child(directory: Directory, name: string): Promise<Slot | null> {
    for (let offset = 0; offset < directory.total; offset += PAGE) {
      await this.#page(directory, offset);
      for (let index = offset; index < Math.min(offset + PAGE, directory.total); index++) {
        if (directory.rows.get(index)?.name === name) return this.#slotOf(directory, index);
      }
    }
    return null;
  }

  #slotOf(directory: Directory, index: number): Slot {
    const row = directory.rows.get(index);
    const expanded = directory.open.find((child) => child.index === index);
    return { directory, index, row, path: `${directory.path}/${row?.name ?? ''}`, expanded };
  }

  async #read(node: number, path: string, parent: Directory | null, index: number): Promise<Directory> {
    const { total, rows } = await this.fetch(node, 0, PAGE);
    return {
      path,
      node,
      level: parent ? parent.level + 1 : 1,
      parent,
      index,
      total,
      rows: new Map(rows.entries()),
      pages: new Map([[0, Promise.resolve()]]),
      open: [],
      size: total,
    };
  }

  #page(directory: Directory, index: number): Promise<void> {
    const page = Math.floor(index / PAGE);
    const known = directory.pages.get(page);
    if (known) return known;
    const coming = this.fetch(directory.node, page * PAGE, PAGE).then(({ rows }) => {
      for (const [i, row] of rows.entries()) directory.rows.set(page * PAGE + i, row);
      this.changed();
    });
    directory.pages.set(page, coming);
    // A page that failed is asked for again when it is next on screen.
    coming.catch(() => directory.pages.delete(page));
    return coming;
  }

  #grow(directory: Directory, by: number): void {
    for (let at: Directory | null = directory; at; at = at.parent) at.size += by;
    this.changed();
  }
}
