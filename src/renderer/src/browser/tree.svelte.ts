// SPDX-License-Identifier: MIT
import type { Composition, StackLayer } from '@shared/composition';
import { stackOf } from '@shared/composition';
import type { ErrorReport } from '@shared/contract';
import type { EntryRow } from '@shared/view';
import { CallError, call } from '../app/call.svelte';
import type { Directory, Slot } from './tree-model';
import { TreeModel } from './tree-model';

/** Rows that the first look at a composition may fill by expanding small directories. */
const FIRST_LOOK_ROWS = 26;

export interface Cursor {
  readonly directory: Directory;
  readonly index: number;
  readonly row: EntryRow;
  readonly path: string;
}

interface Memory {
  expanded: readonly string[];
  focus: string | null;
}

/** What the inspector is to explain: a row of the tree, or a path that is not in it. */
export type Inspected = { readonly view: string } & (
  { readonly row: EntryRow; readonly path: string } | { readonly path: string; readonly row: null }
);

/** The browser's state: the open view, its tree, the cursor. Expansion and cursor survive a new view by path. */
export class Tree {
  model = $state.raw<TreeModel | null>(null);
  /** Moves with every change inside the model, which is a plain object. */
  version = $state(0);
  cursor = $state.raw<Cursor | null>(null);
  inspected = $state.raw<Inspected | null>(null);
  /** The stack as it was when the view was opened: layer numbers in rows mean this one. */
  stack = $state.raw<readonly StackLayer[]>([]);
  /** What is on screen belongs to an earlier composition. */
  stale = $state(false);
  slow = $state(false);
  failure = $state.raw<ErrorReport | null>(null);
  hidden = $state(false);
  #view: string | null = null;
  #shown: Composition | null = null;
  #turn = 0;
  #slowTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #memories = new Map<string, Memory>();

  constructor(private readonly report: (error: unknown) => void) {}

  get size(): number {
    return this.version >= 0 && this.model ? this.model.size : 0;
  }

  /** Opens a view of `composition` and shows it once it is loaded as far as the old one was. */
  async open(composition: Composition): Promise<void> {
    const turn = this.#begin();
    const previous = this.#view;
    this.#remember();
    const empty = !composition.upper && composition.lowers.length === 0;
    let view: string | null = null;
    try {
      if (empty) {
        this.#show(composition, null, null);
      } else {
        const opened = await call('view.open', { composition });
        view = opened.view;
        const model = await this.#load(opened.view, opened.root, composition.id);
        if (turn !== this.#turn) return void call('view.close', { view: opened.view }).catch(() => undefined);
        this.#show(composition, opened.view, model);
        await this.#restoreFocus(composition.id);
      }
      if (previous) await call('view.close', { view: previous });
    } catch (error) {
      const isShown = view !== null && view === this.#view;
      if (turn === this.#turn && isShown) this.report(error);
      else if (turn === this.#turn) this.#fail(composition, error);
      if (view && !isShown) void call('view.close', { view }).catch(() => undefined);
    } finally {
      if (turn === this.#turn) this.#end();
    }
  }

  /** Shows or leaves out hidden entries, in the same view. */
  async showHidden(hidden: boolean): Promise<void> {
    if (hidden === this.hidden) return;
    this.hidden = hidden;
    if (this.#shown) await this.open(this.#shown);
  }

  async go(path: string): Promise<boolean> {
    const { model } = this;
    const view = this.#view;
    if (!model || !view) return false;
    const slot = await model.find(path);
    if (model !== this.model) return false;
    if (slot?.row) this.select(slot);
    else {
      this.cursor = null;
      this.inspected = { view, path: path === '' ? '/' : path, row: null };
    }
    return slot !== null;
  }

  /** Explains a path, and leaves the tree as it is. */
  inspect(path: string): void {
    if (!this.#view) return;
    this.cursor = null;
    this.inspected = { view: this.#view, path, row: null };
  }

  select(slot: Slot): void {
    const { directory, index, row, path } = slot;
    if (!row || !this.#view) return;
    this.cursor = { directory, index, row, path };
    this.inspected = { view: this.#view, row, path };
  }

  async toggle(slot: Slot, expanded: boolean): Promise<void> {
    try {
      if (expanded) await this.model?.expand(slot);
      else if (slot.expanded) {
        const inside = this.cursor?.path.startsWith(`${slot.path}/`);
        this.model?.collapse(slot.expanded);
        if (inside) this.select(slot);
      }
    } catch (error) {
      this.report(error);
    }
  }

  /** The line of the cursor; -1 without one. */
  get position(): number {
    const { cursor, model } = this;
    return this.version >= 0 && cursor && model ? model.positionOf(cursor.directory, cursor.index) : -1;
  }

  #begin(): number {
    this.stale = true;
    this.slow = false;
    clearTimeout(this.#slowTimer);
    this.#slowTimer = setTimeout(() => (this.slow = true), 1000);
    return ++this.#turn;
  }

  #end(): void {
    clearTimeout(this.#slowTimer);
    this.stale = false;
    this.slow = false;
  }

  #remember(): void {
    if (!this.#shown || !this.model) return;
    const focus = this.inspected?.path ?? null;
    this.#memories.set(this.#shown.id, { expanded: this.model.expandedPaths(), focus });
  }

  async #load(view: string, root: EntryRow, id: string): Promise<TreeModel> {
    const { hidden } = this;
    const model: TreeModel = new TreeModel(
      (node, offset, limit) => call('view.children', { view, node, offset, limit, hidden }),
      () => {
        if (model === this.model) this.version++;
      },
    );
    await model.load(root);
    const memory = this.#memories.get(id);
    if (!memory) await firstLook(model);
    for (const path of memory?.expanded ?? []) {
      const slot = await model.find(path);
      if (slot) await model.expand(slot);
    }
    return model;
  }

  async #restoreFocus(id: string): Promise<void> {
    const focus = this.#memories.get(id)?.focus;
    if (focus) await this.go(focus);
  }

  #show(composition: Composition, view: string | null, model: TreeModel | null): void {
    this.#view = view;
    this.#shown = composition;
    this.stack = stackOf(composition);
    this.model = model;
    this.cursor = null;
    this.inspected = null;
    this.failure = null;
    this.version++;
  }

  #fail(composition: Composition, error: unknown): void {
    const known = error instanceof CallError;
    if (!known) this.report(error);
    const keep = this.#view;
    this.#show(composition, null, null);
    if (keep) void call('view.close', { view: keep }).catch(() => undefined);
    this.failure = known ? error.report : { code: '', message: '', hint: '' };
  }
}

/** Opens small directories level by level while the screen has room, so that a first look shows something. */
async function firstLook(model: TreeModel): Promise<void> {
  for (let position = 0; position < model.size; position++) {
    const slot = model.slot(position);
    if (slot?.row?.kind !== 'directory' || slot.row.flags.includes('whiteout')) continue;
    const child = await model.expand(slot);
    if (child && model.size > FIRST_LOOK_ROWS) model.collapse(child);
  }
}
