// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import { Failure } from '@shared/failure';

/** What a worker is sent: a numbered call, or the wish that the call of that number ends. */
export type WorkerRequest<Call> = { readonly id: number; readonly body: Call } | { readonly abort: number };

/** What a worker sends: the answer to a call, or how far it is. */
export type WorkerReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string; readonly hint: string }
  | { readonly id: number; readonly progress: unknown };

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  progress(value: unknown): void;
}

/** A call that runs. */
export interface RunningCall<T> {
  readonly done: Promise<T>;
  /** Asks the worker to end it; `done` tells when it has. */
  abort(): void;
}

/** A worker thread that answers calls; it is started by the first one, and anew after a crash. */
export class WorkerHost<Call> {
  private worker: Worker | null = null;
  private readonly pending = new Map<number, Pending>();
  private next = 1;

  /**
   * @param program the worker's file
   * @param wayOut  what to do when it has crashed, for the message
   */
  constructor(
    private readonly program: URL,
    private readonly wayOut: string,
  ) {}

  ask<T>(body: Call): Promise<T> {
    return this.start<T>(body, () => undefined).done;
  }

  /** As `ask`, for a call that takes its time. */
  start<T>(body: Call, onProgress: (value: unknown) => void): RunningCall<T> {
    this.worker ??= this.open();
    const { worker } = this;
    const id = this.next++;
    const done = new Promise<unknown>((resolve, reject) => {
      this.pending.set(id, { resolve, reject, progress: onProgress });
      worker.postMessage({ id, body } satisfies WorkerRequest<Call>);
    }) as Promise<T>;
    return { done, abort: () => worker.postMessage({ abort: id } satisfies WorkerRequest<Call>) };
  }

  /** Ends the thread; whoever waits for it is told. */
  dispose(): void {
    const { worker } = this;
    this.worker = null;
    void worker?.terminate();
    this.refuse(new Failure('ECANCELED', 'It was ended.', 'Start it again.'));
  }

  private open(): Worker {
    const worker = new Worker(this.program);
    worker.on('message', (reply: WorkerReply) => this.take(reply));
    // A crash of the engine is told to whoever waits; the next call starts it again.
    worker.on('error', (error) => {
      if (this.worker !== worker) return;
      this.worker = null;
      this.refuse(new Failure('internal', `The engine stopped: ${error.message}.`, this.wayOut));
    });
    return worker;
  }

  private take(reply: WorkerReply): void {
    const waiting = this.pending.get(reply.id);
    if ('progress' in reply) return waiting?.progress(reply.progress);
    this.pending.delete(reply.id);
    if (reply.ok) waiting?.resolve(reply.value);
    else waiting?.reject(new Failure(reply.code, reply.message, reply.hint));
  }

  private refuse(failure: Failure): void {
    for (const { reject } of this.pending.values()) reject(failure);
    this.pending.clear();
  }
}
