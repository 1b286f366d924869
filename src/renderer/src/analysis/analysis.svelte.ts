// SPDX-License-Identifier: MIT
import type { AnalysisLine, AnalysisListName, AnalysisStatus, ErrorReport, SpaceTile } from '@shared/contract';
import { CallError, call } from '../app/call.svelte';
import { PagedRows } from '../design/paged-rows.svelte';
import { followStudy } from '../study/follow';
import { lettersOf, makersOf, type Choice } from '../study/subjects';

const ROOT = 0;

/** The analysis that the window shows. It goes on while other screens are shown. */
export class AnalysisState {
  choice = $state.raw<Choice | null>(null);
  status = $state.raw<AnalysisStatus | null>(null);
  failure = $state.raw<ErrorReport | null>(null);
  cancelled = $state(false);
  list = $state<AnalysisListName>('inefficient');
  position = $state(-1);
  /** The directories that the picture has gone into, the outermost first. */
  trail = $state.raw<readonly SpaceTile[]>([]);
  /** The letter of each layer, the lowest first. */
  letters = $state.raw<readonly string[]>([]);
  /** What made each layer, or where it is, the lowest first. */
  makers = $state.raw<readonly string[]>([]);
  readonly lines: PagedRows<AnalysisLine>;
  #id: string | null = null;
  #turn = 0;

  constructor(private readonly report: (error: unknown) => void) {
    this.lines = new PagedRows(report);
  }

  readonly running: boolean = $derived(
    this.choice !== null && !this.failure && !this.cancelled && this.status?.totals == null,
  );
  readonly picture: SpaceTile | null = $derived(this.trail.at(-1) ?? null);

  async start(choice: Choice): Promise<void> {
    const turn = ++this.#turn;
    this.#close();
    this.choice = choice;
    this.#forget();
    this.cancelled = false;
    try {
      const { analysis } = await call('analysis.open', { subject: choice.subject });
      if (turn !== this.#turn) return void call('analysis.close', { analysis });
      this.#id = analysis;
      await followStudy(
        () => call('analysis.follow', { analysis }),
        async (status) => {
          if (status.totals) await this.#show(analysis, choice, status);
          else this.status = status;
          return status.totals !== null;
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

  async show(list: AnalysisListName): Promise<void> {
    this.list = list;
    this.position = -1;
    this.lines.clear();
    await this.#load();
  }

  /** Goes into a directory of the picture. */
  async enter(node: number): Promise<void> {
    await this.#addToTrail(node);
  }

  /** Back to a directory on the way, or one up. */
  up(to = this.trail.length - 2): void {
    if (to >= 0) this.trail = this.trail.slice(0, to + 1);
  }

  async #show(analysis: string, choice: Choice, status: AnalysisStatus): Promise<void> {
    this.letters = lettersOf(choice.subject, status.totals!.layers.length);
    this.makers = await makersOf(choice.subject);
    const tile = await call('analysis.tiles', { analysis, node: ROOT });
    this.status = status;
    this.trail = [tile];
    await this.#load();
  }

  async #load(): Promise<void> {
    const { list } = this;
    const analysis = this.#id;
    if (analysis === null) return;
    await this.lines.load(async (offset, limit) => {
      const { total, lines } = await call('analysis.list', { analysis, list, offset, limit });
      return { total, rows: lines };
    });
  }

  async #addToTrail(node: number): Promise<void> {
    const analysis = this.#id;
    if (analysis === null) return;
    try {
      const tile = await call('analysis.tiles', { analysis, node });
      if (this.#id === analysis) this.trail = [...this.trail, tile];
    } catch (error) {
      this.report(error);
    }
  }

  #forget(): void {
    this.status = null;
    this.failure = null;
    this.trail = [];
    this.position = -1;
    this.lines.clear();
  }

  #close(): void {
    const analysis = this.#id;
    this.#id = null;
    if (analysis !== null) void call('analysis.close', { analysis }).catch(() => undefined);
  }
}
