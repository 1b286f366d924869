// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { fullNameOf } from '../image-name';
import { checked, digestSchema, manifestType, parseManifest } from '../manifest';
import { parseConfig } from '../config';
import { digestOf } from '../checked-bytes';
import { printReference, type StorePlace } from '../references';
import { raw } from '../store/durable';
import type { FoundImage, FoundLayer } from './found-image';
import { regularSize } from './file-set';
import { storageRoots, type StorageUser } from './storage-conf';

/** containers/storage, images.go and layers.go: the fields that are read here. */
const imagesSchema = v.array(
  v.object({
    id: v.string(),
    names: v.nullish(v.array(v.string()), []),
    layer: v.nullish(v.string(), ''),
    'big-data-names': v.nullish(v.array(v.string()), []),
  }),
);
const layersSchema = v.array(
  v.object({
    id: v.string(),
    parent: v.nullish(v.string(), ''),
    'diff-digest': v.optional(digestSchema),
    'diff-size': v.optional(v.number()),
  }),
);

type StoredImage = v.InferOutput<typeof imagesSchema>[number] & { readonly root: ByteString };
type StoredLayer = v.InferOutput<typeof layersSchema>[number] & { readonly root: ByteString };

/** The stores of containers/storage that a user has, as they are at one time. */
export class ContainersStorage {
  private constructor(
    private readonly place: StorePlace | null,
    private readonly stored: readonly StoredImage[],
    private readonly layers: ReadonlyMap<string, StoredLayer>,
  ) {}

  /**
   * Reads what there is; a store that is not there is empty.
   * @param place a store other than the one that storage.conf names
   * @throws Failure where a file cannot be read, or the driver has no folders that could stand in a stack
   */
  static open(user: StorageUser, place: StorePlace | null = null): ContainersStorage {
    const { driver, root, runRoot, additional } = storageRoots(user, place);
    if (driver !== 'overlay' && driver !== 'overlay2') {
      throw new Failure(
        'unsupported-driver',
        `The container store ${display(root)} has the driver ${driver}, whose layers cannot stand in an overlay.`,
        'Copy the image with skopeo copy containers-storage:… oci:DIR, and import that.',
      );
    }
    const roots = [root, ...additional];
    const images = roots.flatMap((at) =>
      readList(imagesSchema, `${at}/overlay-images/images.json`).map((image) => ({ ...image, root: at })),
    );
    const layers = roots.flatMap((at) =>
      [`${at}/overlay-layers`, ...(at === root ? [`${runRoot}/overlay-layers`] : [])].flatMap((folder) =>
        ['layers.json', 'volatile-layers.json']
          .flatMap((name) => readList(layersSchema, `${folder}/${name}`))
          .map((layer) => ({ ...layer, root: at })),
      ),
    );
    return new ContainersStorage(place, images, new Map(layers.map((layer) => [layer.id, layer])));
  }

  /** All images whose layers are whole, as they are in place. Those that cannot be read are passed over. */
  async images(): Promise<FoundImage[]> {
    const found: FoundImage[] = [];
    for (const image of this.stored) {
      try {
        found.push(await this.#describe(image));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
      }
    }
    return found;
  }

  /** The image of a name or id. Throws a Failure `no-image` that lists what there is, or why it cannot be read. */
  async image(name: string): Promise<FoundImage> {
    const full = fullNameOf(name);
    const byName = this.stored.find(({ names }) => names.includes(name) || (full !== null && names.includes(full)));
    const local = this.stored.find(({ names }) => full !== null && names.includes(`localhost/${lastPart(full)}`));
    const byId = /^[a-f0-9]{6,64}$/.test(name) ? this.stored.find(({ id }) => id.startsWith(name)) : undefined;
    const image = byName ?? (name.includes('/') ? undefined : local) ?? byId;
    if (image) return this.#describe(image);
    const list = this.stored.flatMap(({ names, id }) => (names.length > 0 ? names : [id.slice(0, 12)]));
    throw new Failure(
      'no-image',
      `The container store has no image “${display(name)}”.`,
      list.length > 0 ? `It has ${list.join(', ')}.` : 'It has none at all: look whether another user has it.',
    );
  }

  async #describe(image: StoredImage): Promise<FoundImage> {
    const manifestBytes = this.#bigData(image, 'manifest');
    const manifest = parseManifest(manifestBytes, digestOf(manifestBytes));
    const config = this.#bigData(image, manifest.config.digest);
    const { diffIds } = parseConfig(config, manifest.config.digest, manifest.layers.length);
    const chain = this.#chain(image);
    if (chain.length !== diffIds.length)
      throw unreadable(image.id, `it has ${chain.length} of ${diffIds.length} layers`);
    const layers: FoundLayer[] = [];
    for (const [i, layer] of chain.entries()) {
      const said = layer['diff-digest'];
      if (said !== undefined && said !== diffIds[i])
        throw unreadable(image.id, `layer ${layer.id} is another than its configuration says`);
      const split = `${layer.root}/overlay-layers/${layer.id}.tar-split.gz`;
      layers.push({
        diffId: diffIds[i]!,
        blob: manifest.layers[i]!,
        tarBytes: layer['diff-size'] ?? null,
        folder: `${layer.root}/overlay/${layer.id}/diff`,
        tarSplit: (await regularSize(split)) === null ? null : split,
      });
    }
    const [name = image.id] = image.names;
    return {
      keeper: 'containers-storage',
      notation: printReference({ transport: 'containers-storage', store: this.place, name }),
      references: image.names.map(fullNameOf).filter((it) => it !== null),
      manifest: { bytes: manifestBytes, mediaType: manifestType(manifestBytes, { digest: '', mediaType: '' }) },
      config,
      layers,
    };
  }

  /** The layers of an image, the lowest first. */
  #chain(image: StoredImage): StoredLayer[] {
    const chain: StoredLayer[] = [];
    for (let id = image.layer; id !== '';) {
      const layer = this.layers.get(id);
      if (!layer) throw unreadable(image.id, `its layer ${id} is missing`);
      if (chain.includes(layer)) throw unreadable(image.id, 'its layers stand on each other in a circle');
      chain.unshift(layer);
      id = layer.parent;
    }
    return chain;
  }

  #bigData({ root, id }: StoredImage, key: string): Buffer {
    try {
      return readFileSync(raw(`${root}/overlay-images/${id}/${bigDataName(key)}`));
    } catch {
      throw unreadable(id, `it has no “${key}”`);
    }
  }
}

/** containers/storage, images.go makeBigDataBaseName: names that are not plain are written in base64 behind an equals sign. */
const bigDataName = (key: string): string =>
  /^[a-z0-9.]+$/.test(key) && key.replaceAll('.', '') !== '' ? key : `=${Buffer.from(key).toString('base64')}`;

const lastPart = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

function readList<T>(schema: v.GenericSchema<unknown, T[]>, path: ByteString): T[] {
  let bytes;
  try {
    bytes = readFileSync(raw(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new Failure(
      code ?? 'EIO',
      `${display(path)} cannot be read (${code}).`,
      'Run Lamina as the user whose store it is.',
    );
  }
  return checked(schema, bytes, display(path));
}

const unreadable = (id: string, reason: string): Failure =>
  new Failure(
    'unreadable-image',
    `Image ${id.slice(0, 12)} of the container store cannot be read: ${reason}.`,
    'See whether podman or buildah can use it: podman image inspect. Else pull it again.',
  );
