// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { ChangeKind } from '@shared/changes';
import type { Composition, UpperEntry } from '@shared/composition';
import { Failure } from '@shared/failure';
import { surveyUpper, type Survey } from '../layers/volatile-mark';
import { discard } from '../mounts/discard';
import { acceptVolatile, discardUpper } from '../mounts/volatile';
import { ChangesView } from '../overlay/changes-view';
import { MergedView } from '../overlay/merged-view';
import { shownPlan } from './shown-plan';
import { servePort } from './worker-port';

/*
 * The engine's own thread in the app: a slow disk keeps this thread waiting, never the window. One message in, one
 * message out; a search for changes gives way to what is asked meanwhile.
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
  | { readonly call: 'preview'; readonly view: string; readonly node: number }
  | { readonly call: 'openChanges'; readonly composition: Composition }
  | { readonly call: 'followChanges'; readonly changes: string }
  | {
      readonly call: 'changesPage';
      readonly changes: string;
      readonly kinds: readonly ChangeKind[];
      readonly text: string;
      readonly offset: number;
      readonly limit: number;
    }
  | { readonly call: 'closeChanges'; readonly changes: string }
  | { readonly call: 'plan'; readonly composition: Composition; readonly paths: readonly ByteString[] | null }
  | {
      readonly call: 'discard';
      readonly composition: Composition;
      readonly paths: readonly ByteString[] | null;
      readonly token: string;
    }
  | { readonly call: 'survey'; readonly upper: UpperEntry }
  | { readonly call: 'acceptVolatile'; readonly upper: UpperEntry }
  | { readonly call: 'discardUpper'; readonly upper: UpperEntry; readonly agreed: Survey };

const views = new Map<string, MergedView>();
let opened = 0;

function viewOf(id: string): MergedView {
  const view = views.get(id);
  if (!view) throw new Failure('ENOENT', 'The view was closed.', 'Reload the tree.');
  return view;
}

const followed = new Map<string, ChangesView>();

function changesOf(id: string): ChangesView {
  const changes = followed.get(id);
  if (!changes) throw new Failure('ENOENT', 'The list of changes was closed.', 'Open it again.');
  return changes;
}

/** How long one call searches, and after how much of it others get their turn. */
const FOLLOW_MS = 200;
const TURN_MS = 12;

/** Searches on for a while. The next call goes on where this one stopped; nothing happens in between. */
async function follow(changes: ChangesView, id: string): Promise<unknown> {
  const end = performance.now() + FOLLOW_MS;
  for (let more = true; more && performance.now() < end;) {
    const turn = performance.now() + TURN_MS;
    while (more && performance.now() < turn) more = changes.step();
    await new Promise((resolve) => setImmediate(resolve));
    // Closed meanwhile: its descriptors are gone.
    if (followed.get(id) !== changes) return changesOf(id);
  }
  return changes.status();
}

async function done(work: Promise<void>): Promise<null> {
  await work;
  return null;
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
    case 'openChanges': {
      const id = String(++opened);
      followed.set(id, new ChangesView(body.composition));
      return { changes: id };
    }
    case 'followChanges':
      return follow(changesOf(body.changes), body.changes);
    case 'changesPage':
      return changesOf(body.changes).page(body, body.offset, body.limit);
    case 'closeChanges':
      followed.get(body.changes)?.close();
      followed.delete(body.changes);
      return null;
    case 'plan':
      return shownPlan(body.composition, body.paths);
    case 'discard':
      return done(discard(body.composition, body.paths, body.token));
    case 'survey':
      return surveyUpper(body.upper);
    case 'acceptVolatile':
      return done(acceptVolatile(body.upper));
    case 'discardUpper':
      return done(discardUpper(body.upper, body.agreed));
  }
}

servePort<ViewCall>(answer);
