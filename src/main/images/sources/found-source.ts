// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { digestOf } from '../checked-bytes';
import { OCI_MANIFEST } from '../media-types';
import type { Descriptor, ImageSource, SourceRoot } from '../source';
import { rebuildTar } from '../tar-split/rebuild';
import { plainManifest, type FoundImage, type FoundLayer } from './found-image';
import { missingFile } from './folder-files';
import { tarBytesOf } from './tar-bytes';

/**
 * An image that another tool keeps unpacked, to be copied: its tars are made from its files, so that its manifest names
 * plain tars.
 * @throws Failure `no-tar-split` where a layer has no record of its tar
 */
export async function openFound(found: FoundImage, signal: AbortSignal): Promise<ImageSource> {
  const layers = new Map<Digest, FoundLayer>();
  for (const layer of found.layers) {
    if (layer.tarSplit === null) throw noTarSplit(found, layer);
    layers.set(layer.diffId, { ...layer, tarBytes: layer.tarBytes ?? (await tarBytesOf(layer.tarSplit, signal)) });
  }
  const bytes = plainManifest({ config: found.config, layers: found.layers.map(({ diffId }) => layers.get(diffId)!) });
  return new FoundSource(found, layers, {
    descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length },
    bytes,
  });
}

class FoundSource implements ImageSource {
  readonly isLocal = true;

  constructor(
    private readonly found: FoundImage,
    private readonly layers: ReadonlyMap<Digest, FoundLayer>,
    private readonly start: SourceRoot,
  ) {}

  get notation(): string {
    return this.found.notation;
  }

  get references(): readonly string[] {
    return this.found.references;
  }

  async root(): Promise<SourceRoot> {
    return this.start;
  }

  async read({ digest }: Descriptor): Promise<Buffer> {
    if (digest === digestOf(this.found.config, digest)) return this.found.config;
    throw missingFile(this.notation, digest);
  }

  async open({ digest }: Descriptor, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const layer = this.layers.get(digest);
    if (!layer) throw missingFile(this.notation, digest);
    return from(offset, rebuildTar(layer.folder, layer.tarSplit!, signal));
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }
}

async function* from(offset: number, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let skip = offset;
  for await (const chunk of bytes) {
    if (skip < chunk.length) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}

const noTarSplit = ({ notation, keeper }: FoundImage, { diffId }: FoundLayer): Failure =>
  new Failure(
    'no-tar-split',
    `Layer ${diffId} of ${notation} cannot be copied: ${keeper} has no record of its tar.`,
    'Use its layers in place, or import the image from where it came.',
  );
