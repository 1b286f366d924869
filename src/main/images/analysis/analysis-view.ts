// SPDX-License-Identifier: MIT
import type { Analysis, Duplicates, InefficientPath, StoredFile } from '@shared/analysis';
import { display, type ByteString } from '@shared/bytes';
import type { AnalysisLine, AnalysisListName, AnalysisPage, AnalysisStatus, SpaceTile } from '@shared/contract';
import { Failure } from '@shared/failure';
import { runSlices } from '../slices';
import { Analyzer } from './analyzer';
import { SpaceTiles } from './space-tiles';

/** Paths of one content that a line names. */
const MOST_OTHERS = 20;

/** An analysis as the window follows it: started at once, its lists read in pages. */
export class AnalysisView {
  readonly #analyzer: Analyzer;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #result: Analysis | null = null;
  #tiles: SpaceTiles | null = null;
  #failure: unknown = null;

  /** @throws Failure that names the layer that cannot be read */
  constructor(private readonly folders: readonly ByteString[]) {
    this.#analyzer = new Analyzer(folders);
    this.#done = this.#run();
  }

  /** How it stands. Throws what has ended it, where something has. */
  status(): AnalysisStatus {
    if (this.#failure !== null) throw this.#failure;
    return { progress: this.#analyzer.progress, totals: this.#result && totalsOf(this.#result) };
  }

  list(list: AnalysisListName, offset: number, limit: number): AnalysisPage {
    const all = this.#whole()[list];
    return { total: all.length, lines: all.slice(offset, offset + limit).map(lineOf) };
  }

  tiles(node: number): SpaceTile {
    this.#whole();
    const { table, files } = this.#analyzer;
    this.#tiles ??= new SpaceTiles(table, files, this.folders.length);
    return this.#tiles.below(node);
  }

  async close(): Promise<void> {
    this.#stop.abort(new Failure('ECANCELED', 'It was cancelled.', ''));
    await this.#done;
  }

  async #run(): Promise<void> {
    const work = this.#analyzer.run();
    try {
      await runSlices(work, this.#stop.signal, () => undefined);
      this.#result = this.#analyzer.result();
    } catch (error) {
      this.#failure = error;
    } finally {
      work.return(undefined);
      this.#analyzer.close();
    }
  }

  #whole(): Analysis {
    if (!this.#result) throw new Failure('EAGAIN', 'The analysis is not done yet.', 'Wait for it.');
    return this.#result;
  }
}

const totalsOf = ({ layers, efficiency, storedBytes, visibleBytes, spareBytes, unreadable }: Analysis) => ({
  ...{ layers, efficiency, storedBytes, visibleBytes, spareBytes, unreadable },
});

function lineOf(item: InefficientPath | StoredFile | Duplicates): AnalysisLine {
  if ('files' in item) {
    const [first, ...others] = item.files;
    return {
      display: display(first!.path),
      layers: [...new Set(item.files.map(({ layer }) => layer))],
      bytes: item.bytes,
      count: item.files.length,
      spare: item.spare,
      hidden: null,
      others: others.slice(0, MOST_OTHERS).map(({ path }) => display(path)),
    };
  }
  const { path, bytes } = item;
  const line = { display: display(path), bytes, others: [] };
  if ('count' in item) return { ...line, layers: [], count: item.count, spare: 0, hidden: null };
  return { ...line, layers: [item.layer], count: 1, spare: 0, hidden: item.hidden };
}
