// SPDX-License-Identifier: MIT
import { isOver, type JobInfo } from '@shared/jobs';
import { call } from '../app/call.svelte';
import type { Notices } from '../app/notices.svelte';
import { text } from '../text';

/** The jobs as main has them, the latest first. They go on whatever the window shows. */
export class Jobs {
  list = $state.raw<readonly JobInfo[]>([]);
  readonly running: readonly JobInfo[] = $derived(this.list.filter((job) => !isOver(job)));

  constructor(private readonly notices: Notices) {}

  start(): void {
    window.lamina.subscribe('jobs.changed', ({ jobs }) => this.#take(jobs));
    call('jobs.list', {}).then(
      ({ jobs }) => (this.list = jobs),
      (error: unknown) => this.notices.error(error),
    );
  }

  cancel(job: string): void {
    this.#call(call('jobs.cancel', { job }));
  }

  retry(job: string): void {
    this.#call(call('jobs.retry', { job }));
  }

  dismiss(job: string | null): void {
    this.#call(call('jobs.dismiss', { job }));
  }

  /** What has come to its end meanwhile is told, wherever the user is. */
  #take(jobs: readonly JobInfo[]): void {
    for (const job of jobs) {
      const before = this.list.find(({ id }) => id === job.id);
      if (!before || before.state === job.state) continue;
      if (job.state === 'done') this.notices.info(text.jobs.done[job.kind](job.subject));
      if (job.state === 'failed' && job.error) this.notices.warn(job.error.message, job.error.hint);
    }
    this.list = jobs;
  }

  #call(done: Promise<unknown>): void {
    done.catch((error: unknown) => this.notices.error(error));
  }
}
