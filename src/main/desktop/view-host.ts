// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import type { ByteString } from '@shared/bytes';
import type { ChangeKind } from '@shared/changes';
import type { Composition, UpperEntry } from '@shared/composition';
import type { ChangesPage, ChangesStatus, ChildrenPage, OpenView, ShownPlan, UpperSurvey } from '@shared/contract';
import { Failure } from '@shared/failure';
import type { Explanation, Preview } from '@shared/view';
import type { ViewCall, ViewReply, ViewRequest } from './view-worker';

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Open views of merged trees and of uppers, each call answered by the engine's worker thread. */
export class ViewHost {
  private worker: Worker | null = null;
  private readonly pending = new Map<number, Pending>();
  private next = 1;

  open(composition: Composition): Promise<OpenView> {
    return this.ask({ call: 'open', composition });
  }

  close(view: string): Promise<null> {
    return this.ask({ call: 'close', view });
  }

  children(params: {
    view: string;
    node: number;
    offset: number;
    limit: number;
    hidden: boolean;
  }): Promise<ChildrenPage> {
    return this.ask({ call: 'children', ...params });
  }

  explain(params: { view: string; node: number }): Promise<Explanation> {
    return this.ask({ call: 'explain', ...params });
  }

  explainPath(params: { view: string; path: string }): Promise<Explanation> {
    return this.ask({ call: 'explainPath', ...params });
  }

  preview(params: { view: string; node: number }): Promise<Preview> {
    return this.ask({ call: 'preview', ...params });
  }

  openChanges(composition: Composition): Promise<{ readonly changes: string }> {
    return this.ask({ call: 'openChanges', composition });
  }

  followChanges(changes: string): Promise<ChangesStatus> {
    return this.ask({ call: 'followChanges', changes });
  }

  changesPage(params: {
    changes: string;
    kinds: readonly ChangeKind[];
    text: string;
    offset: number;
    limit: number;
  }): Promise<ChangesPage> {
    return this.ask({ call: 'changesPage', ...params });
  }

  closeChanges(changes: string): Promise<null> {
    return this.ask({ call: 'closeChanges', changes });
  }

  plan(composition: Composition, paths: readonly ByteString[] | null): Promise<ShownPlan> {
    return this.ask({ call: 'plan', composition, paths });
  }

  discard(composition: Composition, paths: readonly ByteString[] | null, token: string): Promise<null> {
    return this.ask({ call: 'discard', composition, paths, token });
  }

  survey(upper: UpperEntry): Promise<UpperSurvey> {
    return this.ask({ call: 'survey', upper });
  }

  acceptVolatile(upper: UpperEntry): Promise<null> {
    return this.ask({ call: 'acceptVolatile', upper });
  }

  discardUpper(upper: UpperEntry, agreed: UpperSurvey): Promise<null> {
    return this.ask({ call: 'discardUpper', upper, agreed });
  }

  dispose(): void {
    void this.worker?.terminate();
    this.worker = null;
  }

  private ask<T>(body: ViewCall): Promise<T> {
    this.worker ??= this.start();
    const request: ViewRequest = { id: this.next++, body };
    return new Promise<unknown>((resolve, reject) => {
      this.pending.set(request.id, { resolve, reject });
      this.worker!.postMessage(request);
    }) as Promise<T>;
  }

  private start(): Worker {
    const worker = new Worker(new URL('./view-worker.js', import.meta.url));
    worker.on('message', (reply: ViewReply) => {
      const waiting = this.pending.get(reply.id);
      this.pending.delete(reply.id);
      if (reply.ok) waiting?.resolve(reply.value);
      else waiting?.reject(new Failure(reply.code, reply.message, reply.hint));
    });
    // A crash of the engine is told to whoever waits; the next call starts it again.
    worker.on('error', (error) => this.crashed(error));
    return worker;
  }

  private crashed(error: Error): void {
    this.worker = null;
    for (const { reject } of this.pending.values()) {
      reject(new Failure('internal', `The engine stopped: ${error.message}.`, 'Reload the tree.'));
    }
    this.pending.clear();
  }
}
