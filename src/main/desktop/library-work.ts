// SPDX-License-Identifier: MIT
import { rm } from 'node:fs/promises';
import { bytesOf, display } from '@shared/bytes';
import { stackOf, type Composition } from '@shared/composition';
import type { FoundOnMachine, LookedAt } from '@shared/contract';
import { Failure } from '@shared/failure';
import type { Digest, Image, Platform, TransferProgress } from '@shared/images';
import { engineOptions } from '@shared/lamina-options';
import { commitImage } from '../images/commit/commit-image';
import { openDestination } from '../images/destinations/open-destination';
import { exportImage } from '../images/export';
import { importImage } from '../images/import';
import { importInPlace } from '../images/import-in-place';
import { hostPlatform, platformsIn } from '../images/platforms';
import { parseReference } from '../images/references';
import { RegistrySource } from '../images/registry/registry-source';
import { readyToLeave } from '../images/repack';
import type { ImageSource } from '../images/source';
import { foundAsImage, type FoundImage } from '../images/sources/found-image';
import { machineImages } from '../images/sources/machine-images';
import { mountedStacks } from '../images/sources/mounted-stacks';
import { openSource } from '../images/sources/open-source';
import { raw } from '../images/store/durable';
import type { Store } from '../images/store/store';
import { StoredImage } from '../images/stored-image';
import type { CallContext } from './worker-port';

const open = (store: Store, text: string, signal: AbortSignal): Promise<ImageSource> =>
  openSource(parseReference(bytesOf(text)), {
    store,
    registry: (name) => Promise.resolve(new RegistrySource(name)),
    signal,
  });

/** What a reference leads to. Throws a Failure as `openSource`. */
export async function lookAt(store: Store, text: string, signal: AbortSignal): Promise<LookedAt> {
  const source = await open(store, text, signal);
  try {
    const platforms = await platformsIn(source, await source.root(signal), signal);
    const host = hostPlatform();
    const isOwn = ({ os, architecture }: Platform): boolean => os === host.os && architecture === host.architecture;
    return { notation: display(source.notation), platforms, own: platforms.find(isOwn) ?? null };
  } finally {
    await source.close();
  }
}

export interface ImportWish {
  readonly source: string;
  readonly platform: Platform | null;
  readonly inPlace: boolean;
}

/** Brings an image into the store, or registers it where it is. Returns the digest of its manifest. */
export async function importWork(store: Store, wish: ImportWish, { signal, tell }: CallContext): Promise<Digest> {
  if (wish.inPlace) return (await importInPlace(store, await foundImage(wish.source))).digest;
  const source = await open(store, wish.source, signal);
  try {
    const platform = wish.platform ? { platform: wish.platform } : {};
    return (await importImage(store, source, { ...platform, signal, onProgress: tell })).digest;
  } finally {
    await source.close();
  }
}

/** By the notation under which `findOnMachine` lists it. */
async function foundImage(notation: string): Promise<FoundImage> {
  const { images } = await machineImages();
  const found = images.find((image) => display(image.notation) === notation);
  if (found) return found;
  throw new Failure('no-image', `${notation} is not there any more.`, 'Look again at what is on this machine.');
}

/** What other tools have, by tool, and the stacks of overlay mounts. */
export async function findOnMachine(): Promise<FoundOnMachine> {
  const { images, problems } = await machineImages();
  const rows = images.map((image) => {
    const { id, references, platform } = foundAsImage(image);
    const layers = image.layers.map(({ folder }) => folder).reverse();
    const row = { source: display(image.notation), name: references[0] ?? id, id, platform, layers };
    return { keeper: image.keeper, row };
  });
  const mounts = mountedStacks().map(({ mountpoint, upper, layers }) => ({
    keeper: 'mount' as const,
    row: {
      ...{ source: display(mountpoint), name: display(mountpoint), id: mountpoint, platform: null },
      layers: layers.filter((path) => path !== upper),
    },
  }));
  const all = [...rows, ...mounts];
  const keepers = [...new Set(all.map(({ keeper }) => keeper))];
  return {
    stores: keepers.map((keeper) => ({
      keeper,
      images: all.filter((one) => one.keeper === keeper).map(({ row }) => row),
    })),
    problems: problems.map(({ report }) => report),
  };
}

export interface ExportWish {
  readonly image: Digest;
  readonly destination: string;
}

/** Brings an image of the store to where it shall go. Returns the digest that it has there. */
export async function exportWork(store: Store, wish: ExportWish, { signal, tell }: CallContext): Promise<Digest> {
  const image = store.image(wish.image);
  const reference = parseReference(bytesOf(wish.destination));
  const hold = await store.hold(signal);
  try {
    const ready = await readyToLeave(store, new StoredImage(store, image), { note: () => undefined, signal });
    try {
      const mountFrom = store.images().flatMap(({ references }) => references);
      const destination = await openDestination(reference, image.references, { mountFrom });
      try {
        await exportImage(ready.source, ready.manifest, destination, { signal, onProgress: tell });
      } finally {
        await destination.close();
      }
      return ready.manifest.descriptor.digest;
    } finally {
      await ready.close();
    }
  } finally {
    hold.release();
  }
}

export interface CommitWish {
  readonly composition: Composition;
  readonly base: Digest | null;
  readonly name: string;
  readonly message: string;
}

/** Makes an image of a composition, and puts it into the store. Returns the digest of its manifest. */
export async function commitWork(store: Store, wish: CommitWish, { signal, tell }: CallContext): Promise<Digest> {
  const { composition, base, name, message } = wish;
  const image = base === null ? null : store.image(base);
  const layers = stackOf(composition).filter(({ lane }) => lane !== 'data');
  if (image) refuseOtherBase(composition, image);
  const hold = await store.hold(signal);
  const file = store.layout.newTemporary();
  try {
    const source = image ? new StoredImage(store, image) : null;
    const built = await commitImage({
      base: source ? { source, manifest: await source.root() } : null,
      kept: image?.layers.length ?? 0,
      layer: {
        subject: composition,
        options: engineOptions(composition),
        range: { top: 0, bottom: image ? 0 : layers.length - 1 },
        packing: 'gzip',
        file,
        newest: null,
      },
      edits: {},
      step: { created: new Date().toISOString(), created_by: message === '' ? 'lamina commit' : message },
      references: [name],
      note: () => undefined,
      signal,
      onProgress: (bytes, files) => tell(packing(bytes, files)),
    });
    return (await importImage(store, built, { names: [name], signal, onProgress: tell })).digest;
  } finally {
    await rm(raw(file), { force: true });
    hold.release();
  }
}

/** The new layer says what the upper changes of what lies below: a base that has something else there would get nonsense. */
function refuseOtherBase({ upper, lowers }: Composition, image: Image): void {
  const below = [...image.layers].reverse().map(({ folder }) => folder);
  const same = below.length === lowers.length && below.every((folder, i) => folder === lowers[i]!.path);
  if (upper && same) return;
  throw new Failure(
    'other-base',
    `The lower layers are not those of ${image.references[0] ?? image.digest}.`,
    'Choose the image whose layers the composition has, or make one layer of all of them.',
  );
}

const packing = (bytes: number, files: number): TransferProgress => ({
  items: [{ digest: '', what: 'layer', state: 'running', bytes, total: null, files }],
  bytes,
  total: null,
  files,
  rate: 0,
  secondsLeft: null,
});
