// SPDX-License-Identifier: MIT
import type { Image } from '@shared/images';
import type { Descriptor, ImageSource, SourceRoot } from './source';
import { hasLayerBlob, layerBlob, layerTar } from './store/layer-bytes';
import type { ImageRecord } from './store/records';
import type { Store } from './store/store';

type RecordedLayer = ImageRecord['layers'][number];

/** An image of the store, as a source of its exact bytes. The caller holds the store meanwhile. */
export class StoredImage implements ImageSource {
  readonly references: readonly string[];
  readonly notation: string;
  readonly record: ImageRecord;

  /** @throws Failure `no-image` */
  constructor(
    private readonly store: Store,
    image: Pick<Image, 'digest' | 'references'>,
  ) {
    this.record = store.record(image.digest);
    this.references = image.references;
    this.notation = image.references[0] ?? image.digest;
  }

  root(): Promise<SourceRoot> {
    const { manifest } = this.record;
    return Promise.resolve({ descriptor: manifest, bytes: this.store.blobs.read(manifest.digest) });
  }

  read({ digest }: Descriptor): Promise<Buffer> {
    return Promise.resolve(this.store.blobs.read(digest));
  }

  open({ digest }: Descriptor, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const layer = this.record.layers.find((each) => each.digest === digest);
    const made = layer && !this.store.blobs.has(digest) ? layerBlob(this.store, layer, this.record.form, signal) : null;
    return Promise.resolve(made ? skipping(made, offset) : this.store.blobs.open(digest, offset));
  }

  async close(): Promise<void> {}

  /** Whether a layer can be had as the very blob that the manifest names. */
  hasBlob(layer: RecordedLayer): boolean {
    return hasLayerBlob(this.store, layer, this.record.form);
  }

  /** The exact tar of a layer, or null where nobody kept the record of it. */
  tarOf(layer: RecordedLayer, signal: AbortSignal): AsyncIterable<Uint8Array> | null {
    if (layer.outside && layer.outside.tarSplit === null) return null;
    return layerTar(this.store, layer, this.record.form, signal);
  }
}

/** A stream without its first bytes: one that is made again has to be made from its start. */
async function* skipping(chunks: AsyncIterable<Uint8Array>, offset: number): AsyncGenerator<Uint8Array> {
  let left = offset;
  for await (const chunk of chunks) {
    const rest = left === 0 ? chunk : chunk.subarray(Math.min(left, chunk.length));
    left -= chunk.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}
