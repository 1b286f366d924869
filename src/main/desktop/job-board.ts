// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import type { Digest, TransferProgress } from '@shared/images';
import { isOver, type JobInfo, type JobKind } from '@shared/jobs';
import type { LibraryCall } from './library-worker';
import { WorkerHost, type RunningCall } from './worker-host';

/** Jobs that run at the same time; each is parallel within itself. */
const AT_ONCE = 2;
/** The window is told at most ten times a second. */
const TELL_MS = 100;
/** Jobs that are over and still listed. */
const KEPT = 50;

type JobCall = Extract<LibraryCall, { call: 'import' | 'export' | 'commit' }>;

interface Job {
  info: JobInfo;
  readonly body: JobCall;
  host: WorkerHost<LibraryCall> | null;
  running: RunningCall<Digest> | null;
}

/** Imports, exports, pushes and commits: they run on whatever the window shows, each in a thread of its own. */
export class JobBoard {
  private readonly jobs = new Map<string, Job>();
  private next = 1;
  private told = 0;
  private timer: NodeJS.Timeout | null = null;

  /**
   * @param tell     the list has changed
   * @param finished a job has changed the store
   */
  constructor(
    private readonly tell: (jobs: readonly JobInfo[]) => void,
    private readonly finished: () => void,
  ) {}

  list(): readonly JobInfo[] {
    return [...this.jobs.values()].map(({ info }) => info).reverse();
  }

  /** Starts it as soon as there is room. Returns its id. */
  start(kind: JobKind, subject: string, target: string, body: JobCall): string {
    const id = String(this.next++);
    const info: JobInfo = {
      ...{ id, kind, subject, target, state: 'queued' },
      ...{ started: null, ended: null, progress: null, error: null, image: null },
    };
    this.jobs.set(id, { info, body, host: null, running: null });
    this.dropOld();
    this.fill();
    this.say();
    return id;
  }

  cancel(id: string): void {
    const job = this.find(id);
    if (job.info.state === 'queued') this.change(job, { state: 'cancelled', ended: Date.now() });
    if (job.info.state !== 'running') return;
    job.running?.abort();
    this.change(job, { state: 'cancelling' });
  }

  /** Does again what has failed or was cancelled; what has come already does not come again. */
  retry(id: string): void {
    const job = this.find(id);
    if (job.info.state !== 'failed' && job.info.state !== 'cancelled') return;
    this.change(job, { state: 'queued', started: null, ended: null, progress: null, error: null });
    this.fill();
  }

  dismiss(id: string | null): void {
    for (const [key, { info }] of this.jobs) {
      if (isOver(info) && (id === null || id === key)) this.jobs.delete(key);
    }
    this.say();
  }

  dispose(): void {
    if (this.timer) clearTimeout(this.timer);
    for (const { host } of this.jobs.values()) host?.dispose();
    this.jobs.clear();
  }

  private find(id: string): Job {
    const job = this.jobs.get(id);
    if (!job) throw new Failure('ENOENT', 'This job is not on the list any more.', 'Nothing is left to do.');
    return job;
  }

  private fill(): void {
    const all = [...this.jobs.values()];
    let free = AT_ONCE - all.filter(({ host }) => host !== null).length;
    for (const job of all) {
      if (free <= 0) return;
      if (job.info.state !== 'queued') continue;
      free--;
      void this.run(job);
    }
  }

  private async run(job: Job): Promise<void> {
    const host = new WorkerHost<LibraryCall>(new URL('./library-worker.js', import.meta.url), 'Try it again.');
    job.host = host;
    this.change(job, { state: 'running', started: Date.now() });
    job.running = host.start<Digest>(job.body, (progress) =>
      this.change(job, { progress: progress as TransferProgress }),
    );
    try {
      this.change(job, { image: await job.running.done, state: 'done' });
    } catch (error) {
      const wasCancelled = job.info.state === 'cancelling';
      this.change(job, wasCancelled ? { state: 'cancelled' } : { state: 'failed', error: reportOf(error) });
    } finally {
      host.dispose();
      job.host = null;
      job.running = null;
      this.change(job, { ended: Date.now() });
      this.finished();
      this.fill();
    }
  }

  private change(job: Job, change: Partial<JobInfo>): void {
    job.info = { ...job.info, ...change };
    this.say();
  }

  private say(): void {
    if (this.timer) return;
    const wait = Math.max(0, this.told + TELL_MS - Date.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      this.told = Date.now();
      this.tell(this.list());
    }, wait);
  }

  private dropOld(): void {
    const over = [...this.jobs].filter(([, { info }]) => isOver(info));
    for (const [id] of over.slice(0, Math.max(0, over.length - KEPT))) this.jobs.delete(id);
  }
}

function reportOf(error: unknown): { code: string; message: string; hint: string } {
  if (error instanceof Failure) return error.report;
  return { code: 'internal', message: String(error), hint: 'This is a defect of Lamina; please report it.' };
}
