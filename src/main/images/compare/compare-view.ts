// SPDX-License-Identifier: MIT
import type { CompareDetail, CompareSummary } from '@shared/compare';
import type { ComparePage, CompareStatus } from '@shared/contract';
import { Failure } from '@shared/failure';
import { runSlices } from '../slices';
import type { CompareFilter } from './change-tree';
import { Comparison } from './comparison';
import { compareDetail } from './detail';
import type { Side } from './side';

/** A comparison as the window follows it: started at once, its tree read in pages while it grows. */
export class CompareView {
  readonly #comparison: Comparison;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #summary: CompareSummary | null = null;
  #failure: unknown = null;
  #shown: { readonly key: string; readonly nodes: readonly number[] } | null = null;

  /** @throws Failure that names the layer that cannot be read */
  constructor(left: Side, right: Side) {
    this.#comparison = new Comparison(left, right);
    this.#done = this.#run();
  }

  /** How it stands. Throws what has ended it, where something has. */
  status(): CompareStatus {
    if (this.#failure !== null) throw this.#failure;
    return { names: this.#comparison.names, summary: this.#summary };
  }

  page(filter: CompareFilter, offset: number, limit: number): ComparePage {
    const { tree } = this.#comparison;
    const key = JSON.stringify([tree.table.size, filter.kinds, filter.text, filter.folded]);
    if (this.#shown?.key !== key) this.#shown = { key, nodes: tree.shown(filter) };
    const { nodes } = this.#shown;
    return { total: nodes.length, rows: nodes.slice(offset, offset + limit).map((node) => tree.row(node)) };
  }

  detail(node: number): CompareDetail {
    return compareDetail(this.#comparison, node);
  }

  async close(): Promise<void> {
    this.#stop.abort(new Failure('ECANCELED', 'It was cancelled.', ''));
    await this.#done;
    this.#comparison.close();
  }

  async #run(): Promise<void> {
    const { tree } = this.#comparison;
    const work = this.#comparison.run();
    try {
      await runSlices(work, this.#stop.signal, () => undefined);
      this.#summary = tree.summary(this.#comparison.names);
    } catch (error) {
      this.#failure = error;
    } finally {
      work.return(undefined);
    }
  }
}
