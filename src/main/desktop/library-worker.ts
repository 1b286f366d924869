// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { GarbageView, ImageRow } from '@shared/contract';
import { Failure } from '@shared/failure';
import type { Digest, Image } from '@shared/images';
import type { GarbagePlan, LayerUse } from '../images/store/garbage';
import { Store } from '../images/store/store';
import {
  commitWork,
  exportWork,
  findOnMachine,
  importWork,
  lookAt,
  type CommitWish,
  type ExportWish,
  type ImportWish,
} from './library-work';
import { servePort, type CallContext } from './worker-port';

/*
 * The thread that works with the image store. One of them answers the window; each job has one of its own, so that an
 * import keeps nobody waiting, and its memory goes with it.
 */

/** `uses`: layers that compositions and mounts stand on; they stay. */
export type LibraryCall =
  | { readonly call: 'list' }
  | { readonly call: 'detail'; readonly image: Digest }
  | { readonly call: 'folders'; readonly image: Digest }
  | { readonly call: 'found' }
  | { readonly call: 'look'; readonly source: string }
  | { readonly call: 'tag'; readonly image: Digest; readonly name: string }
  | { readonly call: 'untag'; readonly name: string }
  | { readonly call: 'remove'; readonly image: Digest }
  | { readonly call: 'garbage'; readonly uses: readonly LayerUse[] }
  | { readonly call: 'collect'; readonly uses: readonly LayerUse[]; readonly token: string }
  | ({ readonly call: 'import' } & ImportWish)
  | ({ readonly call: 'export' } & ExportWish)
  | ({ readonly call: 'commit' } & CommitWish);

let opened: Store | null = null;
let uses: readonly LayerUse[] = [];
const store = (): Store => (opened ??= Store.open(undefined, { inUse: () => uses }));

async function answer(body: LibraryCall, context: CallContext): Promise<unknown> {
  switch (body.call) {
    case 'list':
      return { images: store().images().map(rowOf) };
    case 'detail':
      return store().image(body.image);
    case 'folders':
      return store()
        .image(body.image)
        .layers.map(({ folder }): ByteString => folder);
    case 'found':
      return findOnMachine();
    case 'look':
      return lookAt(store(), body.source, context.signal);
    case 'tag':
      return { name: await store().tag(body.image, body.name) };
    case 'untag':
      await store().untag(body.name);
      return null;
    case 'remove':
      await store().remove(body.image);
      return null;
    case 'garbage':
      uses = body.uses;
      return garbageView(store().garbage());
    case 'collect':
      uses = body.uses;
      await collect(body.token);
      return null;
    case 'import':
      return importWork(store(), body, context);
    case 'export':
      return exportWork(store(), body, context);
    case 'commit':
      return commitWork(store(), body, context);
  }
}

async function collect(token: string): Promise<void> {
  const plan = store().garbage();
  if (plan.token !== token) {
    throw new Failure(
      'stale-plan',
      'The image store has changed since it was looked at.',
      'Look again at what would go, and confirm that.',
    );
  }
  await store().collect(plan);
}

function rowOf({ layers, config: _, ...image }: Image): ImageRow {
  return {
    ...image,
    layerCount: layers.length,
    sharedLayers: layers.filter(({ sharedBy }) => sharedBy > 1).length,
    keeper: layers.find(({ keeper }) => keeper === 'store')?.keeper ?? layers[0]?.keeper ?? 'store',
  };
}

function garbageView({ images, layers, blobs, partials, inUse, bytes, token }: GarbagePlan): GarbageView {
  return {
    items: [
      ...images.map((name) => ({ what: 'image', name, bytes: 0 }) as const),
      ...layers.map(({ name, bytes: size }) => ({ what: 'layer', name, bytes: size }) as const),
      ...blobs.map(({ digest, bytes: size }) => ({ what: 'blob', name: digest, bytes: size }) as const),
      ...partials.map(({ name, bytes: size }) => ({ what: 'partial', name, bytes: size }) as const),
      ...inUse.map(({ folder, by }) => ({ what: 'inUse', name: `${display(folder)} (${by})`, bytes: 0 }) as const),
    ],
    bytes,
    token,
  };
}

servePort<LibraryCall>(answer);
