// SPDX-License-Identifier: MIT
import type { Digest, Image } from '@shared/images';
import { recompress, type Recompression } from './compression';
import type { Descriptor, ImageSource, SourceRoot } from './source';
import type { ImageRecord } from './store/records';
import type { Store } from './store/store';
import { rebuildTar } from './tar-split/rebuild';

/** How a layer's blob is had: as a file, made again from the unpacked files, or not at all. */
export type BlobOrigin =
  | { readonly kind: 'kept' }
  | { readonly kind: 'rebuilt'; readonly how: Recompression }
  | { readonly kind: 'gone' };

type RecordedLayer = ImageRecord['layers'][number];

/** An image of the store, as a source of its exact bytes. */
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
    const origin = layer ? this.originOf(layer) : { kind: 'kept' as const };
    if (origin.kind !== 'rebuilt') return Promise.resolve(this.store.blobs.open(digest, offset));
    return Promise.resolve(skipping(recompress(this.tarOf(layer!, signal)!, origin.how), offset));
  }

  async close(): Promise<void> {}

  /** Where a layer's blob comes from. */
  originOf({ diffId, digest, outside }: RecordedLayer): BlobOrigin {
    if (digest !== null && this.store.blobs.has(digest)) return { kind: 'kept' };
    if (outside) {
      return digest === diffId && outside.tarSplit !== null
        ? { kind: 'rebuilt', how: { packing: 'tar' } }
        : { kind: 'gone' };
    }
    const blob = this.store.layers.find(diffId, this.record.form)?.blobs.find((each) => each.digest === digest);
    const how = (blob?.recompression ?? null) as Recompression | null;
    return how === null ? { kind: 'gone' } : { kind: 'rebuilt', how };
  }

  /** The exact tar of a layer, or null where nobody kept the record of it. */
  tarOf({ diffId, outside }: RecordedLayer, signal: AbortSignal): AsyncIterable<Uint8Array> | null {
    if (outside) return outside.tarSplit === null ? null : rebuildTar(outside.folder, outside.tarSplit, signal);
    const { folder, tarSplit } = this.store.layers.paths(diffId, this.record.form);
    return rebuildTar(folder, tarSplit, signal);
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
