// SPDX-License-Identifier: MIT
import { parentPort } from 'node:worker_threads';
import type { Composition } from '@shared/composition';
import { Failure } from '@shared/failure';
import { MergedView } from '../overlay/merged-view';
import { SystemError } from '../system/libc';
import { systemFailure } from '../system/system-failure';

/*
 * The engine's own thread in the app: a slow disk keeps this thread waiting, never the window. One message in, one
 * message out, in order.
 */

/** Calls that the host sends; `view` numbers an open view. */
export type ViewCall =
  | { readonly call: 'open'; readonly composition: Composition }
  | { readonly call: 'close'; readonly view: string }
  | {
      readonly call: 'children';
      readonly view: string;
      readonly node: number;
      readonly offset: number;
      readonly limit: number;
      readonly hidden: boolean;
    }
  | { readonly call: 'explain'; readonly view: string; readonly node: number }
  | { readonly call: 'explainPath'; readonly view: string; readonly path: string }
  | { readonly call: 'preview'; readonly view: string; readonly node: number };

export interface ViewRequest {
  readonly id: number;
  readonly body: ViewCall;
}

export type ViewReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string; readonly hint: string };

const views = new Map<string, MergedView>();
let opened = 0;

function viewOf(id: string): MergedView {
  const view = views.get(id);
  if (!view) throw new Failure('ENOENT', 'The view was closed.', 'Reload the tree.');
  return view;
}

function answer(body: ViewCall): unknown {
  switch (body.call) {
    case 'open': {
      const view = new MergedView(body.composition);
      const id = String(++opened);
      views.set(id, view);
      return { view: id, root: view.root };
    }
    case 'close':
      views.get(body.view)?.close();
      views.delete(body.view);
      return null;
    case 'children':
      return viewOf(body.view).children(body.node, body.offset, body.limit, body.hidden);
    case 'explain':
      return viewOf(body.view).explain(body.node);
    case 'explainPath':
      return viewOf(body.view).explainPath(body.path);
    case 'preview':
      return viewOf(body.view).preview(body.node);
  }
}

function failureOf(error: unknown): { code: string; message: string; hint: string } {
  if (error instanceof Failure) return error.report;
  if (error instanceof SystemError) return systemFailure(error).report;
  return { code: 'internal', message: String(error), hint: 'This is a defect of Lamina; please report it.' };
}

parentPort!.on('message', ({ id, body }: ViewRequest) => {
  let reply: ViewReply;
  try {
    reply = { id, ok: true, value: answer(body) };
  } catch (error) {
    reply = { id, ok: false, ...failureOf(error) };
  }
  parentPort!.postMessage(reply);
});
