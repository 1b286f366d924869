// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import type { ByteString } from '@shared/bytes';
import type { Digest } from '@shared/images';
import { BuiltImage } from './commit/built-image';
import type { ConfigDocument } from './commit/edit-config';
import { buildLayer, packTar, type BuiltLayer } from './commit/layer-blob';
import { openRange } from './commit/range';
import { nodePath } from './destinations/fresh-file';
import type { Packing } from './layer-format';
import { inFormat, type ManifestFormat } from './manifest-format';
import { parseManifest, type Manifest } from './manifest';
import { DOCKER_MANIFEST } from './media-types';
import type { ImageSource, SourceRoot } from './source';
import { FORM_RULES } from './store/layer-form';
import type { Store } from './store/store';
import { type StoredImage } from './stored-image';

export interface RepackOptions {
  /** Whose media types the manifest shall have; by default those that it has. */
  readonly format?: ManifestFormat;
  /** How layers are packed whose own blob cannot be made again, and all of them with `all`. */
  readonly packing?: Packing;
  readonly all?: boolean;
  /** Is told what leaves as other bytes than it came in, a sentence each. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** An image of the store that is ready to leave it. */
export interface ReadyImage {
  readonly source: ImageSource;
  readonly manifest: SourceRoot;
  /** Takes away the files that were made for it. */
  close(): Promise<void>;
}

type RecordedLayer = StoredImage['record']['layers'][number];

/**
 * Makes an image of the store ready to leave it, with its exact bytes where they can be had. A layer whose compressor is
 * not ours is packed anew; one that another tool keeps without a record of its tar becomes another tar too. The manifest
 * is then another one.
 * @throws Failure that names the layer whose files are damaged
 */
export async function readyToLeave(store: Store, image: StoredImage, options: RepackOptions): Promise<ReadyImage> {
  const root = await image.root();
  const manifest = parseManifest(root.bytes, root.descriptor.digest);
  const repacking = new Repacking(store, image, manifest, options);
  try {
    return await repacking.run(root);
  } catch (error) {
    await repacking.close();
    throw error;
  }
}

class Repacking {
  private readonly built = new Map<number, BuiltLayer>();
  private readonly files: ByteString[] = [];

  constructor(
    private readonly store: Store,
    private readonly image: StoredImage,
    private readonly manifest: Manifest,
    private readonly options: RepackOptions,
  ) {}

  async run(root: SourceRoot): Promise<ReadyImage> {
    const { image, options } = this;
    for (const [i, layer] of image.record.layers.entries()) {
      const isGone = !image.hasBlob(layer);
      if (isGone || options.all) this.built.set(i, await this.repack(i, layer, isGone));
    }
    const isDocker = root.descriptor.mediaType === DOCKER_MANIFEST;
    const format = options.format ?? (isDocker ? 'docker' : 'oci');
    if (this.built.size === 0 && (format === 'docker') === isDocker)
      return { source: image, manifest: root, close: () => this.close() };
    const made = await this.newImage(format);
    if (this.built.size === 0)
      options.note(`The manifest is written in ${format === 'oci' ? "OCI's" : "Docker's"} form.`);
    options.note(
      `The image leaves as ${made.manifest.descriptor.digest}; in the store it is ${root.descriptor.digest}.`,
    );
    return { source: made, manifest: made.manifest, close: () => this.close() };
  }

  async close(): Promise<void> {
    for (const file of this.files) await unlink(nodePath(file)).catch(() => {});
  }

  private async repack(index: number, layer: RecordedLayer, isGone: boolean): Promise<BuiltLayer> {
    const { options, image, store } = this;
    const packing = options.packing ?? 'gzip';
    const file = store.layout.newTemporary();
    this.files.push(file);
    const name = `Layer ${index + 1} (${layer.diffId})`;
    const tar = image.tarOf(layer, options.signal);
    if (!tar) {
      options.note(`${name} is kept by another tool without a record of its tar: it leaves as a tar of its files.`);
      return this.fromFiles(index, file, packing);
    }
    if (isGone) options.note(`${name} is packed anew: its compressor's exact bytes cannot be made again.`);
    const hash = createHash('sha256');
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const chunk of tar!) {
        hash.update(chunk);
        yield chunk;
      }
    }
    const packed = await packTar(hashed(), file, packing, options.signal);
    return { ...packed, diffId: `sha256:${hash.digest('hex')}`, entries: 0, tarBytes: 0 };
  }

  /** What the layer changes of those below it, as a tar of its own. */
  private async fromFiles(index: number, file: ByteString, packing: Packing): Promise<BuiltLayer> {
    const { record } = this.image;
    const folders = record.layers.slice(0, index + 1).map((layer) => this.folderOf(layer));
    const lowers = folders.reverse().map((path, i) => ({ id: String(i), path }));
    const userxattr = FORM_RULES[record.form].names === 'user';
    const stacks = openRange(
      { upper: null, lowers, data: [] },
      { metacopy: true, redirectDir: 'on', userxattr },
      { top: 0, bottom: 0 },
    );
    const { note, signal } = this.options;
    try {
      return await buildLayer(stacks, { file, packing, newest: null, note, signal, onProgress: () => {} });
    } finally {
      stacks.close();
    }
  }

  private folderOf({ diffId, outside }: RecordedLayer): ByteString {
    return outside?.folder ?? this.store.layers.paths(diffId, this.image.record.form).folder;
  }

  private async newImage(format: ManifestFormat): Promise<BuiltImage> {
    const layers = this.manifest.layers.map((layer, i) => this.built.get(i)?.descriptor ?? inFormat(layer, format));
    const config = await this.image.read(this.manifest.config);
    return new BuiltImage(
      { config: this.configWith(config), layers, built: [...this.built.values()], base: this.image, format },
      this.image.references,
      this.image.notation,
    );
  }

  /** The very bytes where no layer became another tar. */
  private configWith(bytes: Buffer): Buffer {
    const document = JSON.parse(bytes.toString('utf8')) as ConfigDocument;
    const before = document.rootfs.diff_ids;
    const after: Digest[] = before.map((diffId, i) => this.built.get(i)?.diffId ?? diffId);
    if (after.every((diffId, i) => diffId === before[i])) return bytes;
    return Buffer.from(JSON.stringify({ ...document, rootfs: { ...document.rootfs, diff_ids: after } }));
  }
}
