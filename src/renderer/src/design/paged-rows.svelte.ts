// SPDX-License-Identifier: MIT

const PAGE = 200;

/** Gives one page of a list, and how long the list is. */
export type FetchPage<T> = (
  offset: number,
  limit: number,
) => Promise<{ readonly total: number; readonly rows: readonly T[] }>;

/** A long list of which only the pages that were on screen are here. */
export class PagedRows<T> {
  total = $state(0);
  rows = $state.raw<ReadonlyMap<number, T>>(new Map());
  loaded = $state(false);
  #fetch: FetchPage<T> | null = null;
  #asked = new Set<number>();
  #turn = 0;

  constructor(private readonly report: (error: unknown) => void) {}

  /** Forgets everything. */
  clear(): void {
    this.#turn++;
    this.#fetch = null;
    this.#asked.clear();
    this.total = 0;
    this.rows = new Map();
    this.loaded = false;
  }

  /**
   * Takes the rows from elsewhere, or anew. Until they have come the old ones stay.
   * @param first the row that is on screen
   */
  async load(fetch: FetchPage<T>, first = 0): Promise<void> {
    const turn = ++this.#turn;
    this.#fetch = fetch;
    const page = Math.floor(first / PAGE);
    try {
      const { total, rows } = await fetch(page * PAGE, PAGE);
      if (turn !== this.#turn) return;
      this.#asked = new Set([page]);
      this.total = total;
      this.rows = new Map(rows.map((row, i) => [page * PAGE + i, row]));
      this.loaded = true;
    } catch (error) {
      if (turn === this.#turn) this.report(error);
    }
  }

  /** Asks for the rows from `first` up to `end` that are not here. */
  ensure(first: number, end: number): void {
    for (let page = Math.floor(first / PAGE); page * PAGE < Math.min(end, this.total); page++) {
      if (this.#asked.has(page) || !this.#fetch) continue;
      this.#asked.add(page);
      void this.#add(this.#fetch, page);
    }
  }

  async #add(fetch: FetchPage<T>, page: number): Promise<void> {
    const turn = this.#turn;
    try {
      const { rows } = await fetch(page * PAGE, PAGE);
      if (turn !== this.#turn) return;
      const all = new Map(this.rows);
      for (const [i, row] of rows.entries()) all.set(page * PAGE + i, row);
      this.rows = all;
    } catch (error) {
      if (turn === this.#turn) this.report(error);
    }
  }
}
