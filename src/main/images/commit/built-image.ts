// SPDX-License-Identifier: MIT
import { createReadStream } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import type { Digest, Platform } from '@shared/images';
import { digestOf } from '../checked-bytes';
import { parseConfig } from '../config';
import { nodePath } from '../destinations/fresh-file';
import { one } from '../destinations/oci-folder';
import { inFormat, manifestTypeOf, type ManifestFormat } from '../manifest-format';
import { OCI_CONFIG } from '../media-types';
import type { Descriptor, ImageSource, SourceRoot } from '../source';
import type { BuiltLayer } from './layer-blob';

/** Layers of an image that is made: some were made just now, the others are another image's. */
export interface BuiltParts {
  readonly config: Buffer;
  /** Of all layers, the lowest first. */
  readonly layers: readonly Descriptor[];
  readonly built: readonly BuiltLayer[];
  /** Has the blobs of the other layers; null where there are none. */
  readonly base: ImageSource | null;
  readonly format: ManifestFormat;
}

/** An image that was made here, as a source: into the store and out of it lead the same ways as for any other. */
export class BuiltImage implements ImageSource {
  readonly manifest: SourceRoot;
  private readonly config: SourceRoot;
  private readonly layers: number;
  private readonly files: ReadonlyMap<Digest, ByteString>;
  private readonly base: ImageSource | null;

  /**
   * @param references its names
   * @param notation   for messages
   */
  constructor(
    parts: BuiltParts,
    readonly references: readonly string[],
    readonly notation: string,
  ) {
    this.base = parts.base;
    this.files = new Map(parts.built.map(({ descriptor, file }) => [descriptor.digest, file]));
    const { config, layers, format } = parts;
    this.layers = layers.length;
    this.config = documentOf(inFormat({ mediaType: OCI_CONFIG, digest: '', size: 0 }, format).mediaType, config);
    const manifest = {
      schemaVersion: 2,
      mediaType: manifestTypeOf(format),
      config: this.config.descriptor,
      layers: layers.map((layer) => inFormat(layer, format)).map(plain),
    };
    this.manifest = documentOf(manifest.mediaType, Buffer.from(JSON.stringify(manifest)));
  }

  root(): Promise<SourceRoot> {
    return Promise.resolve(this.manifest);
  }

  async read(descriptor: Descriptor, signal: AbortSignal): Promise<Buffer> {
    const own = [this.manifest, this.config].find((each) => each.descriptor.digest === descriptor.digest);
    return own ? own.bytes : this.others().read(descriptor, signal);
  }

  async open(descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const file = this.files.get(descriptor.digest);
    if (file !== undefined) return createReadStream(nodePath(file), { start: offset, signal });
    if (descriptor.digest === this.config.descriptor.digest) return one(this.config.bytes.subarray(offset));
    return this.others().open(descriptor, offset, signal);
  }

  /** As the configuration says. */
  get platform(): Platform {
    return parseConfig(this.config.bytes, this.config.descriptor.digest, this.layers).platform;
  }

  async close(): Promise<void> {
    await this.base?.close();
  }

  private others(): ImageSource {
    if (this.base) return this.base;
    throw new Error('the image has no base');
  }
}

const plain = ({ mediaType, digest, size, urls }: Descriptor): Descriptor => ({
  mediaType,
  digest,
  size,
  ...(urls ? { urls } : {}),
});

const documentOf = (mediaType: string, bytes: Buffer): SourceRoot => ({
  descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length },
  bytes,
});
