// SPDX-License-Identifier: MIT
import type { ErrorReport } from '@shared/contract';
import type { Explanation, Preview } from '@shared/view';
import { CallError, call } from '../app/call.svelte';
import type { Inspected } from '../browser/tree.svelte';

/** The explanation and preview of what is selected; an answer that comes too late is dropped. */
export class Inspection {
  explanation = $state.raw<Explanation | null>(null);
  preview = $state.raw<Preview | null>(null);
  failure = $state.raw<ErrorReport | null>(null);
  #turn = 0;

  constructor(private readonly report: (error: unknown) => void) {}

  async show(inspected: Inspected | null): Promise<void> {
    const turn = ++this.#turn;
    if (!inspected) return this.#put(null, null, null);
    const { view, row, path } = inspected;
    try {
      const explanation = row
        ? await call('view.explain', { view, node: row.node })
        : await call('view.explainPath', { view, path });
      if (turn !== this.#turn) return;
      const same = this.explanation?.path === explanation.path;
      this.#put(explanation, same ? this.preview : null, null);
      const node = explanation.row?.kind === 'file' && explanation.visible ? explanation.row.node : null;
      const preview = node === null ? null : await call('view.preview', { view, node });
      if (turn === this.#turn) this.preview = preview;
    } catch (error) {
      if (turn !== this.#turn) return;
      if (error instanceof CallError) this.#put(null, null, error.report);
      else this.report(error);
    }
  }

  #put(explanation: Explanation | null, preview: Preview | null, failure: ErrorReport | null): void {
    this.explanation = explanation;
    this.preview = preview;
    this.failure = failure;
  }
}
