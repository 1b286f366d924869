// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { AnalysisListName } from '@shared/contract';
import { Failure } from '@shared/failure';
import { AnalysisView } from '../images/analysis/analysis-view';
import type { CompareFilter } from '../images/compare/change-tree';
import { CompareView } from '../images/compare/compare-view';
import type { Side } from '../images/compare/side';
import { servePort } from './worker-port';

/*
 * The thread of one analysis or one comparison: it ends with it, and its memory goes with it. The search gives way to what
 * is asked meanwhile.
 */

export type StudyCall =
  | { readonly call: 'analyze'; readonly folders: readonly ByteString[] }
  | { readonly call: 'analysis' }
  | { readonly call: 'list'; readonly list: AnalysisListName; readonly offset: number; readonly limit: number }
  | { readonly call: 'tiles'; readonly node: number }
  | { readonly call: 'compare'; readonly left: Side; readonly right: Side }
  | { readonly call: 'comparison' }
  | { readonly call: 'page'; readonly filter: CompareFilter; readonly offset: number; readonly limit: number }
  | { readonly call: 'detail'; readonly node: number }
  | { readonly call: 'close' };

let analysis: AnalysisView | null = null;
let comparison: CompareView | null = null;

function opened<T>(view: T | null): T {
  if (!view) throw new Failure('ENOENT', 'It was closed.', 'Start it again.');
  return view;
}

async function close(): Promise<null> {
  await analysis?.close();
  await comparison?.close();
  return null;
}

function answer(body: StudyCall): unknown {
  switch (body.call) {
    case 'analyze':
      analysis = new AnalysisView(body.folders);
      return null;
    case 'analysis':
      return opened(analysis).status();
    case 'list':
      return opened(analysis).list(body.list, body.offset, body.limit);
    case 'tiles':
      return opened(analysis).tiles(body.node);
    case 'compare':
      comparison = new CompareView(body.left, body.right);
      return null;
    case 'comparison':
      return opened(comparison).status();
    case 'page':
      return opened(comparison).page(body.filter, body.offset, body.limit);
    case 'detail':
      return opened(comparison).detail(body.node);
    case 'close':
      return close();
  }
}

servePort<StudyCall>(answer);
