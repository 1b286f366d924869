// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { ChangeKind } from '@shared/changes';
import type { Composition, UpperEntry } from '@shared/composition';
import type { ChangesPage, ChangesStatus, ChildrenPage, OpenView, ShownPlan, UpperSurvey } from '@shared/contract';
import type { Explanation, Preview } from '@shared/view';
import type { ViewCall } from './view-worker';
import { WorkerHost } from './worker-host';

/** Open views of merged trees and of uppers, each call answered by the engine's worker thread. */
export class ViewHost {
  private readonly host = new WorkerHost<ViewCall>(new URL('./view-worker.js', import.meta.url), 'Reload the tree.');

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
    this.host.dispose();
  }

  private ask<T>(body: ViewCall): Promise<T> {
    return this.host.ask(body);
  }
}
