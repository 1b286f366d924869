// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type {
  AnalysisListName,
  AnalysisPage,
  AnalysisStatus,
  ComparePage,
  CompareStatus,
  SpaceTile,
} from '@shared/contract';
import type { CompareDetail } from '@shared/compare';
import { Failure } from '@shared/failure';
import type { CompareFilter } from '../images/compare/change-tree';
import type { Side } from '../images/compare/side';
import type { StudyCall } from './study-worker';
import { WorkerHost } from './worker-host';

/** More are not open in one window; a page that loses count must not fill the machine with threads. */
const MOST = 8;

/** Analyses and comparisons that are open, each in a thread of its own. */
export class StudyHost {
  private readonly open = new Map<string, WorkerHost<StudyCall>>();
  private next = 1;

  async analyze(folders: readonly ByteString[]): Promise<string> {
    return this.start({ call: 'analyze', folders });
  }

  analysis(id: string): Promise<AnalysisStatus> {
    return this.of(id).ask({ call: 'analysis' });
  }

  list(id: string, list: AnalysisListName, offset: number, limit: number): Promise<AnalysisPage> {
    return this.of(id).ask({ call: 'list', list, offset, limit });
  }

  tiles(id: string, node: number): Promise<SpaceTile> {
    return this.of(id).ask({ call: 'tiles', node });
  }

  async compare(left: Side, right: Side): Promise<string> {
    return this.start({ call: 'compare', left, right });
  }

  comparison(id: string): Promise<CompareStatus> {
    return this.of(id).ask({ call: 'comparison' });
  }

  page(id: string, filter: CompareFilter, offset: number, limit: number): Promise<ComparePage> {
    return this.of(id).ask({ call: 'page', filter, offset, limit });
  }

  detail(id: string, node: number): Promise<CompareDetail> {
    return this.of(id).ask({ call: 'detail', node });
  }

  /** Ends it, whether it is done or not. */
  close(id: string): void {
    const host = this.open.get(id);
    this.open.delete(id);
    if (!host) return;
    const end = (): void => host.dispose();
    // Descriptors are the process's, not the thread's: it closes them before it goes.
    host.ask({ call: 'close' }).then(end, end);
  }

  dispose(): void {
    for (const id of [...this.open.keys()]) this.close(id);
  }

  private async start(body: StudyCall): Promise<string> {
    const [oldest] = this.open.keys();
    if (oldest !== undefined && this.open.size >= MOST) this.close(oldest);
    const host = new WorkerHost<StudyCall>(new URL('./study-worker.js', import.meta.url), 'Start it again.');
    const id = String(this.next++);
    this.open.set(id, host);
    try {
      await host.ask(body);
      return id;
    } catch (error) {
      this.close(id);
      throw error;
    }
  }

  private of(id: string): WorkerHost<StudyCall> {
    const host = this.open.get(id);
    if (!host) throw new Failure('ENOENT', 'It was closed.', 'Start it again.');
    return host;
  }
}
