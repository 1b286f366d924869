// SPDX-License-Identifier: MIT
import { CHANGE_KINDS, type ChangeKind } from '@shared/changes';
import type { Composition } from '@shared/composition';
import type { ChangeRow, ChangesStatus, ErrorReport } from '@shared/contract';
import { CallError, call } from '../app/call.svelte';

const PAGE = 200;
/** How often a live upper is looked through, and the part of the time that this may take. */
const PERIOD_MS = 1000;
const MOST_PART = 5;

/**
 * The list of changes as the window follows it. Main searches and filters; here are only the pages that were on screen.
 * Nothing is searched while the list is not shown.
 */
export class ChangeList {
  status = $state.raw<ChangesStatus | null>(null);
  failure = $state.raw<ErrorReport | null>(null);
  /** None chosen shows all. */
  kinds = $state.raw<ReadonlySet<ChangeKind>>(new Set());
  text = $state('');
  /** Changes under the filter, and those of them that have come, by position. */
  total = $state(0);
  rows = $state.raw<ReadonlyMap<number, ChangeRow>>(new Map());
  /** Position and path of the chosen row; the path stays when the list moves. */
  position = $state(-1);
  path = $state<string | null>(null);
  /** Changes that were found after the first search: what else shows this upper is out of date. */
  moved = false;
  #id: string | null = null;
  #turn = 0;
  #wake: () => void = () => undefined;
  #asked = new Set<number>();
  #pageTurn = 0;
  #visible: readonly [number, number] = [0, 60];

  constructor(private readonly report: (error: unknown) => void) {}

  readonly filtered: boolean = $derived(this.kinds.size > 0 || this.text !== '');

  /** Follows the upper of a composition until the returned function is called. */
  follow(composition: Composition): () => void {
    const turn = ++this.#turn;
    this.status = null;
    this.failure = null;
    this.#show(new Map(), 0);
    void this.#run(composition, turn);
    return () => {
      if (turn === this.#turn) this.#turn++;
      this.#wake();
    };
  }

  /** Looks again now. */
  poke(): void {
    this.#wake();
  }

  /** Whether the changes have moved since this was asked last. */
  takeMoved(): boolean {
    const { moved } = this;
    this.moved = false;
    return moved;
  }

  async filter(change: { readonly kinds?: ReadonlySet<ChangeKind>; readonly text?: string }): Promise<void> {
    this.kinds = change.kinds ?? this.kinds;
    this.text = change.text ?? this.text;
    this.#visible = [0, 60];
    await this.#reload().catch(this.report);
  }

  select(position: number): void {
    const row = this.rows.get(position);
    if (!row) return;
    this.position = position;
    this.path = row.path;
  }

  /** Asks for the rows from `first` up to `end` that are not here. */
  ensure(first: number, end: number): void {
    this.#visible = [first, end];
    for (let page = Math.floor(first / PAGE); page * PAGE < Math.min(end, this.total); page++) {
      if (this.#asked.has(page)) continue;
      this.#asked.add(page);
      void this.#addPage(page).catch(this.report);
    }
  }

  async #run(composition: Composition, turn: number): Promise<void> {
    let id: string | null = null;
    try {
      id = (await call('changes.open', { composition })).changes;
      this.#id = turn === this.#turn ? id : this.#id;
      while (turn === this.#turn) {
        const started = performance.now();
        const status = await call('changes.follow', { changes: id });
        if (turn !== this.#turn) return;
        await this.#take(status);
        const took = performance.now() - started;
        if (!status.searching) await this.#sleep(Math.max(PERIOD_MS, took * MOST_PART));
      }
    } catch (error) {
      if (turn === this.#turn) this.#fail(error);
    } finally {
      if (id !== null) {
        if (this.#id === id) this.#id = null;
        void call('changes.close', { changes: id }).catch(() => undefined);
      }
    }
  }

  async #take(status: ChangesStatus): Promise<void> {
    const before = this.status;
    this.status = status;
    if (before?.version === status.version) return;
    if (before?.searched) this.moved = true;
    await this.#reload();
  }

  /** The pages on screen again, all at once; until they have come, the old ones stay. */
  async #reload(): Promise<void> {
    if (this.#id === null) return;
    const turn = ++this.#pageTurn;
    const [first, end] = this.#visible;
    const from = Math.floor(first / PAGE);
    const to = Math.max(from, Math.floor(Math.max(0, end - 1) / PAGE));
    const rows = new Map<number, ChangeRow>();
    let total = 0;
    const asked = new Set<number>();
    for (let page = from; page <= to; page++) {
      const answer = await this.#fetch(page);
      if (turn !== this.#pageTurn || !answer) return;
      asked.add(page);
      total = answer.total;
      for (const [i, row] of answer.rows.entries()) rows.set(page * PAGE + i, row);
    }
    this.#asked = asked;
    this.#show(rows, total);
  }

  async #addPage(page: number): Promise<void> {
    const turn = this.#pageTurn;
    const answer = await this.#fetch(page);
    if (turn !== this.#pageTurn || !answer) return;
    const rows = new Map(this.rows);
    for (const [i, row] of answer.rows.entries()) rows.set(page * PAGE + i, row);
    this.rows = rows;
  }

  async #fetch(page: number): Promise<{ total: number; rows: readonly ChangeRow[] } | null> {
    const id = this.#id;
    if (id === null) return null;
    const kinds = this.kinds.size === 0 ? CHANGE_KINDS : [...this.kinds];
    return call('changes.page', { changes: id, kinds, text: this.text, offset: page * PAGE, limit: PAGE });
  }

  #show(rows: ReadonlyMap<number, ChangeRow>, total: number): void {
    this.rows = rows;
    this.total = total;
    const found = [...rows].find(([, row]) => row.path === this.path);
    this.position = found ? found[0] : -1;
  }

  #fail(error: unknown): void {
    this.status = null;
    if (error instanceof CallError) this.failure = error.report;
    else this.report(error);
  }

  /** Waits; a window that nobody sees waits on. */
  async #sleep(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, milliseconds);
    });
    if (!document.hidden) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      document.addEventListener('visibilitychange', () => resolve(), { once: true });
    });
  }
}
