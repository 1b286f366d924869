// SPDX-License-Identifier: MIT
import { createReadStream } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import type { Digest } from '@shared/images';
import { digestOf } from '../checked-bytes';
import { nodePath } from '../destinations/fresh-file';
import { one } from '../destinations/oci-folder';
import { OCI_CONFIG, OCI_MANIFEST } from '../media-types';
import type { Descriptor, ImageSource, SourceRoot } from '../source';
import type { ConfigDocument } from './edit-config';
import type { BuiltLayer } from './layer-blob';

/** Layers of an image that is made: some were made just now, the others are another image's. */
export interface BuiltParts {
  readonly config: ConfigDocument;
  /** Of all layers, the lowest first. */
  readonly layers: readonly Descriptor[];
  readonly built: readonly BuiltLayer[];
  /** Has the blobs of the other layers; null where there are none. */
  readonly base: ImageSource | null;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An image that was made here, as a source: into the store and out of it lead the same ways as for any other. */
export class BuiltImage implements ImageSource {
  readonly manifest: SourceRoot;
  private readonly config: SourceRoot;
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
    this.config = document(OCI_CONFIG, parts.config);
    this.manifest = document(OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: this.config.descriptor,
      layers: parts.layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
      ...(parts.annotations ? { annotations: parts.annotations } : {}),
    });
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

  async close(): Promise<void> {
    await this.base?.close();
  }

  private others(): ImageSource {
    if (this.base) return this.base;
    throw new Error('the image has no base');
  }
}

function document(mediaType: string, value: unknown): SourceRoot {
  const bytes = Buffer.from(JSON.stringify(value));
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}
