// SPDX-License-Identifier: MIT
import { rmSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import type { ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { Digest, Image } from '@shared/images';
import { parseImageName, printImageName, withDefaultTag } from '../image-name';
import { Blobs } from './blobs';
import { describeImages } from './describe-image';
import { discardTree } from './discard-tree';
import { raw } from './durable';
import { findImage } from './find-image';
import { layersOf, planGarbage, type GarbagePlan, type LayerUse } from './garbage';
import { ImageRecords } from './images';
import { kernelUses } from './layer-uses';
import { Layers, namesIn } from './layers';
import { defaultStoreFolder, StoreLayout } from './layout';
import { takeLock, tryLock, type Lock } from './locks';
import type { ImageRecord } from './records';
import { storeFailure } from './store-failure';

export interface StoreOptions {
  /** What stands on layers beside the kernel's mounts: compositions, FUSE mounts. Paths as `ImageLayer.folder` has them. */
  readonly inUse?: () => readonly LayerUse[];
}

/** How long throwing away waits for imports and exports that run. */
const PATIENCE_MS = 5000;
const LOOK_MS = 10;

/** A store of images. Several processes may have one open, and change it, at the same time. */
export class Store {
  readonly blobs: Blobs;
  readonly layers: Layers;
  readonly records: ImageRecords;

  private constructor(
    readonly layout: StoreLayout,
    private readonly options: StoreOptions,
  ) {
    this.blobs = new Blobs(layout);
    this.layers = new Layers(layout);
    this.records = new ImageRecords(layout);
  }

  /**
   * Opens a store, makes it where there is none, and clears away what a crash has left.
   * @throws Failure where it cannot be made or read, or is the store of another version of Lamina
   */
  static open(folder: ByteString = defaultStoreFolder(), options: StoreOptions = {}): Store {
    const layout = new StoreLayout(folder);
    try {
      layout.makeFolders();
      // Where somebody works in it, what is not whole may be theirs. One that is being made is ready at once.
      while (!mend(layout) && !layout.isReady()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
    } catch (error) {
      throw storeFailure(error, folder);
    }
    return new Store(layout, options);
  }

  get folder(): ByteString {
    return this.layout.folder;
  }

  /** Keeps all that the store has from being thrown away, until it is released: for as long as something is read or added. */
  hold(signal?: AbortSignal): Promise<Lock> {
    return takeLock(this.layout.lock, 'shared', signal);
  }

  /** All images, those without a name too. */
  images(): Image[] {
    return describeImages(this);
  }

  /**
   * The image that a person means: by name, by the end of a name where only one has it, by digest, by the first digits
   * of its id.
   * @throws Failure `no-image`, or `ambiguous-image` that lists them
   */
  image(text: string): Image {
    return findImage(this.images(), text, ({ digest }) => this.records.find(digest)?.root ?? digest);
  }

  /** The exact bytes of an image's manifest and configuration. Throws a Failure where they are not there. */
  documents({ digest, id }: Pick<Image, 'digest' | 'id'>): { manifest: Buffer; config: Buffer; mediaType: string } {
    const mediaType = this.records.find(digest)?.manifest.mediaType ?? '';
    return { manifest: this.blobs.read(digest), config: this.blobs.read(id), mediaType };
  }

  /** The record of an image. Throws a Failure `no-image`. */
  record(manifest: Digest): ImageRecord {
    const record = this.records.find(manifest);
    if (!record)
      throw new Failure('no-image', `The image store has no image ${manifest}.`, 'lamina image ls lists them.');
    return record;
  }

  /** Gives an image a further name; another image that had it loses it. Returns the full name. */
  async tag(text: string, name: string): Promise<string> {
    const full = printImageName(withDefaultTag({ ...parseImageName(name), digest: null }));
    await this.#working(() => this.records.tag(this.image(text).digest, full));
    return full;
  }

  /** Takes a name away. Throws a Failure `no-image` where no image has it. */
  async untag(name: string): Promise<void> {
    const full = printImageName(withDefaultTag(parseImageName(name)));
    const isGone = await this.#working(() => this.records.untag(full));
    if (!isGone) throw new Failure('no-image', `No image has the name ${full}.`, 'lamina image ls lists the names.');
  }

  /** Takes all names of an image away. What no other image has is then garbage, and is there until it is collected. */
  async remove(text: string): Promise<Image> {
    const image = this.image(text);
    await this.#working(() => this.records.forget(image.digest));
    return image;
  }

  /** What `collect` would take away now. */
  garbage(): GarbagePlan {
    return planGarbage(this.layout, this.records.list(), this.records.references(), this.uses());
  }

  /** Layers of the store that compositions and mounts stand on. */
  uses(): LayerUse[] {
    const folders = layersOf(this.layout).map(({ path }) => `${path}/diff`);
    return [...kernelUses(folders), ...(this.options.inUse?.() ?? [])];
  }

  /**
   * Takes away what the plan says.
   * @throws Failure `stale-plan` where that is no longer just what would go; EBUSY while images come or go
   */
  async collect(plan: GarbagePlan, onRemoved?: (bytes: number) => void): Promise<void> {
    const lock = await takeLock(this.layout.lock, 'exclusive', undefined, PATIENCE_MS);
    try {
      if (this.garbage().token !== plan.token) {
        throw new Failure(
          'stale-plan',
          'The image store has changed since it was looked at.',
          'Look again at what would go, and confirm that.',
        );
      }
      // Images first: one that is there has all that it needs, whenever this ends.
      for (const digest of plan.images) this.records.drop(digest);
      for (const { path, bytes } of plan.layers) {
        await breathe();
        this.layers.removeAt(path);
        onRemoved?.(bytes);
      }
      for (const { digest, bytes } of plan.blobs) {
        rmSync(raw(this.layout.blob(digest)));
        onRemoved?.(bytes);
      }
      for (const { name } of plan.partials) rmSync(raw(`${this.layout.partial}/${name}`), { force: true });
      clearLeftovers(this.layout);
    } finally {
      lock.release();
    }
  }

  async #working<T>(work: () => Promise<T>): Promise<T> {
    const lock = await this.hold();
    try {
      return await work();
    } finally {
      lock.release();
    }
  }
}

/** Makes a folder a store, and clears away what is not whole in it. False where another process is in the way. */
function mend(layout: StoreLayout): boolean {
  const lock = tryLock(layout.lock, 'exclusive');
  if (!lock) return false;
  try {
    if (!layout.isReady()) layout.begin();
    clearLeftovers(layout);
  } finally {
    lock.release();
  }
  return true;
}

/** What nobody can be working with while we alone have the store. */
function clearLeftovers(layout: StoreLayout): void {
  for (const name of namesIn(layout.temporary)) discardTree(`${layout.temporary}/${name}`);
  for (const name of namesIn(layout.locks)) rmSync(raw(layout.lockOf(name)), { force: true });
}
