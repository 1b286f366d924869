// SPDX-License-Identifier: MIT
import type { CompareDetail, CompareKind, CompareRow } from '@shared/compare';
import type { CompareStatus, ErrorReport } from '@shared/contract';
import { CallError, call } from '../app/call.svelte';
import { PagedRows } from '../design/paged-rows.svelte';
import { followStudy } from '../study/follow';
import type { Choice } from '../study/subjects';

/** The comparison that the window shows. It goes on while other screens are shown. */
export class CompareState {
  left = $state.raw<Choice | null>(null);
  right = $state.raw<Choice | null>(null);
  status = $state.raw<CompareStatus | null>(null);
  failure = $state.raw<ErrorReport | null>(null);
  cancelled = $state(false);
  /** None chosen shows all. */
  kinds = $state.raw<ReadonlySet<CompareKind>>(new Set());
  text = $state('');
  position = $state(-1);
  detail = $state.raw<CompareDetail | null>(null);
  chosen = $state.raw<CompareRow | null>(null);
  folded = $state.raw<ReadonlySet<number>>(new Set());
  readonly rows: PagedRows<CompareRow>;
  #id = $state.raw<string | null>(null);
  #turn = 0;
  #detailTurn = 0;

  constructor(private readonly report: (error: unknown) => void) {
    this.rows = new PagedRows(report);
  }

  readonly running: boolean = $derived(
    this.left !== null && this.right !== null && !this.failure && !this.cancelled && this.status?.summary == null,
  );
  readonly filtered: boolean = $derived(this.kinds.size > 0 || this.text !== '');
  /** Of the whole comparison, not of the filter. */
  readonly total: number = $derived(Object.values(this.status?.summary?.counts ?? {}).reduce((sum, n) => sum + n, 0));

  choose(side: 'left' | 'right', choice: Choice): void {
    this[side] = choice;
    void this.start();
  }

  swap(): void {
    [this.left, this.right] = [this.right, this.left];
    void this.start();
  }

  async start(): Promise<void> {
    const turn = ++this.#turn;
    this.#close();
    this.#forget();
    const { left, right } = this;
    if (!left || !right) return;
    try {
      const { compare } = await call('compare.open', { left: left.subject, right: right.subject });
      if (turn !== this.#turn) return void call('compare.close', { compare });
      this.#id = compare;
      await followStudy(
        () => call('compare.follow', { compare }),
        async (status) => {
          if (status.summary) await this.#load();
          this.status = status;
          // The first difference is shown at once: most often somebody looks for one.
          if (status.summary) this.#selectFirst();
          return status.summary !== null;
        },
        () => turn === this.#turn,
      );
    } catch (error) {
      if (turn !== this.#turn) return;
      if (error instanceof CallError) this.failure = error.report;
      else this.report(error);
    }
  }

  cancel(): void {
    if (!this.running) return;
    this.#turn++;
    this.#close();
    this.cancelled = true;
    this.status = null;
  }

  async filter(change: { readonly kinds?: ReadonlySet<CompareKind>; readonly text?: string }): Promise<void> {
    this.kinds = change.kinds ?? this.kinds;
    this.text = change.text ?? this.text;
    this.position = -1;
    await this.#load();
  }

  /** Shows or hides what is in a directory. */
  async fold(row: CompareRow, folded: boolean): Promise<void> {
    if (row.below === null || this.folded.has(row.node) === folded) return;
    const all = new Set(this.folded);
    if (folded) all.add(row.node);
    else all.delete(row.node);
    this.folded = all;
    await this.#load(this.position);
  }

  select(position: number): void {
    const row = this.rows.rows.get(position);
    if (!row) return;
    this.position = position;
    this.chosen = row;
    void this.#look(row);
  }

  #selectFirst(): void {
    const first = [...this.rows.rows].find(([, row]) => row.kind !== null);
    if (first) this.select(first[0]);
  }

  async #look(row: CompareRow): Promise<void> {
    const turn = ++this.#detailTurn;
    const compare = this.#id;
    if (row.kind === null || compare === null) {
      this.detail = null;
      return;
    }
    try {
      const detail = await call('compare.detail', { compare, node: row.node });
      if (turn === this.#detailTurn) this.detail = detail;
    } catch (error) {
      if (turn === this.#detailTurn) this.report(error);
    }
  }

  async #load(first = 0): Promise<void> {
    const compare = this.#id;
    if (compare === null) return;
    const filter = { kinds: [...this.kinds], text: this.text, folded: [...this.folded] };
    await this.rows.load((offset, limit) => call('compare.page', { compare, ...filter, offset, limit }), first);
  }

  #forget(): void {
    this.status = null;
    this.failure = null;
    this.cancelled = false;
    this.position = -1;
    this.chosen = null;
    this.detail = null;
    this.folded = new Set();
    this.rows.clear();
  }

  #close(): void {
    const compare = this.#id;
    this.#id = null;
    if (compare !== null) void call('compare.close', { compare }).catch(() => undefined);
  }
}
