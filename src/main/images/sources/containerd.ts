// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { digestOf } from '../checked-bytes';
import { parseConfig } from '../config';
import { fullNameOf } from '../image-name';
import { manifestType, parseManifest } from '../manifest';
import { chooseManifest, hostPlatform } from '../platforms';
import type { Descriptor, ImageSource, SourceRoot } from '../source';
import { raw } from '../store/durable';
import { BoltBucket, openBolt } from './bolt';
import { chainIds } from './chain-ids';
import { MOST_DOCUMENT_BYTES, readRange, regularSize } from './file-set';
import { missingFile } from './folder-files';
import type { FoundImage } from './found-image';

/** Where containerd has what it keeps (containerd, docs/ops.md). */
export const CONTAINERD_ROOT: ByteString = '/var/lib/containerd';

const CONTENT = 'io.containerd.content.v1.content';
const SNAPSHOTS = 'io.containerd.snapshotter.v1.overlayfs';

interface Namespaced {
  readonly namespace: string;
  readonly name: ByteString;
  readonly target: Descriptor;
}

const notationOf = ({ namespace, name }: Namespaced): string => `containerd:${namespace}/${name}`;

/** Images of containerd, of all its namespaces, whose layers its overlayfs snapshotter has unpacked. */
export class Containerd {
  private readonly meta: BoltBucket;
  private readonly snapshots: BoltBucket | null;

  /** @throws Failure where its databases cannot be read */
  constructor(private readonly root: ByteString = CONTAINERD_ROOT) {
    const meta = openBolt(`${root}/io.containerd.metadata.v1.bolt/meta.db`).bucket('v1');
    if (!meta)
      throw new Failure(
        'bad-database',
        `${display(root)} has no metadata of version 1.`,
        'Look whether ctr image ls works.',
      );
    this.meta = meta;
    this.snapshots = openBolt(`${root}/${SNAPSHOTS}/metadata.db`).bucket('v1')?.bucket('snapshots') ?? null;
  }

  /** All images that are unpacked here; those that are not, or cannot be read, are passed over. */
  async images(): Promise<FoundImage[]> {
    const found: FoundImage[] = [];
    for (const image of this.#list()) {
      try {
        found.push(await this.#describe(image));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
      }
    }
    return found;
  }

  /**
   * An image to be copied, from the blobs that containerd keeps.
   * @param name `NAMESPACE/NAME`, or the name alone where one namespace has it
   * @throws Failure `no-image` that lists what there is
   */
  async source(name: ByteString): Promise<ImageSource> {
    const all = [...this.#list()];
    const full = fullNameOf(name);
    const called = (image: Namespaced): boolean => [name, full].includes(image.name);
    const found = all.find((image) => `${image.namespace}/${image.name}` === name) ?? all.find(called);
    if (found) return this.#content(found, await this.#root(found));
    const list = all.map((image) => `${image.namespace}/${image.name}`).join(', ');
    throw new Failure('no-image', `containerd has no image “${display(name)}”.`, `It has ${list || 'none at all'}.`);
  }

  *#list(): Generator<Namespaced> {
    for (const [namespace, bucket] of this.meta.entries()) {
      const images = bucket instanceof BoltBucket ? bucket.bucket('images') : null;
      for (const [name, image] of images?.entries() ?? []) {
        const target = image instanceof BoltBucket ? image.bucket('target') : null;
        const digest = target?.value('digest')?.toString('latin1');
        if (!target || digest === undefined) continue;
        const mediaType = target.value('mediatype')?.toString('latin1') ?? '';
        yield { namespace, name, target: { mediaType, digest, size: zigzag(target.value('size')) } };
      }
    }
  }

  async #describe(image: Namespaced): Promise<FoundImage> {
    const root = await this.#root(image);
    const content = this.#content(image, root);
    const { descriptor, bytes } = await chooseManifest(content, root, hostPlatform(), new AbortController().signal);
    const manifest = parseManifest(bytes, descriptor.digest);
    const config = await this.#read(image, manifest.config);
    const { diffIds } = parseConfig(config, digestOf(config), manifest.layers.length);
    return {
      keeper: 'containerd',
      notation: notationOf(image),
      references: content.references,
      manifest: { bytes, mediaType: manifestType(bytes, descriptor) },
      config,
      layers: chainIds(diffIds).map((chain, i) => ({
        diffId: diffIds[i]!,
        blob: manifest.layers[i]!,
        ...{ tarBytes: null, folder: this.#folderOf(image.namespace, chain), tarSplit: null },
      })),
    };
  }

  async #root(image: Namespaced): Promise<SourceRoot> {
    return { descriptor: image.target, bytes: await this.#read(image, image.target) };
  }

  /** The content store as a source: the blobs are there unless containerd was told to discard what it has unpacked. */
  #content(image: Namespaced, root: SourceRoot): ImageSource {
    const fullName = fullNameOf(image.name);
    return {
      notation: notationOf(image),
      // containerd names some images by their digest alone.
      references: fullName === null ? [] : [fullName],
      isLocal: true,
      root: async () => root,
      read: (descriptor) => this.#read(image, descriptor),
      open: async ({ digest, size }, offset, signal) => {
        if ((await regularSize(this.#blob(digest))) === null) throw missingFile(notationOf(image), digest);
        return readRange(this.#blob(digest), offset, size, signal);
      },
      close: async () => undefined,
    };
  }

  async #read(image: Namespaced, { digest }: Descriptor): Promise<Buffer> {
    const size = await regularSize(this.#blob(digest));
    if (size === null || size > MOST_DOCUMENT_BYTES) throw missingFile(notationOf(image), digest);
    return readFileSync(raw(this.#blob(digest)));
  }

  #blob(digest: Digest): ByteString {
    return `${this.root}/${CONTENT}/blobs/${digest.replace(':', '/')}`;
  }

  /** The folder of a committed snapshot (containerd, metadata/snapshot.go and snapshots/storage/bolt.go). */
  #folderOf(namespace: string, chain: Digest): ByteString {
    const named = this.meta.bucket(namespace)?.bucket('snapshots')?.bucket('overlayfs')?.bucket(chain);
    const key = named?.value('name')?.toString('latin1');
    const id = key === undefined ? null : (this.snapshots?.bucket(key)?.value('id') ?? null);
    if (id === null) {
      throw new Failure(
        'unreadable-image',
        `containerd has not unpacked the layer ${chain} with its overlayfs snapshotter.`,
        'Unpack it: ctr image mount, or pull the image again.',
      );
    }
    return `${this.root}/${SNAPSHOTS}/snapshots/${varint(id)}/fs`;
  }
}

/** A number as Go's encoding/binary writes it (Uvarint). */
function varint(bytes: Buffer | null): number {
  let value = 0;
  let shift = 1;
  for (const byte of bytes ?? []) {
    value += (byte & 0x7f) * shift;
    shift *= 128;
    if (byte < 0x80) break;
  }
  return value;
}

/** A signed one that is not negative (Varint). */
const zigzag = (bytes: Buffer | null): number => varint(bytes) / 2;
