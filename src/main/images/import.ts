// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import type { Digest, Image, Platform, TransferProgress } from '@shared/images';
import { checkedBytes, digestOf, refuseWrong } from './checked-bytes';
import { parseConfig } from './config';
import { parseImageName, printImageName, withDefaultTag } from './image-name';
import { importLayer, type LayerImport } from './import-layer';
import { inParallel } from './in-parallel';
import { manifestType, parseManifest, type Manifest } from './manifest';
import { isManifestType } from './media-types';
import { chooseManifest, hostPlatform } from './platforms';
import type { Descriptor, ImageSource } from './source';
import { formHere, type LayerForm } from './store/layer-form';
import type { Store } from './store/store';
import { storeFailure } from './store/store-failure';
import { DEFAULT_LIMITS, type LayerLimits } from './unpack/limits';
import { TransferMeter, type MeterItem } from './transfer-meter';

export interface ImportOptions {
  /** The machine's by default. */
  readonly platform?: Platform;
  /** Names for the image; by default those that the source gives it. */
  readonly names?: readonly string[];
  /** `needed`: compressed layers stay only where they cannot be made again from what was unpacked. */
  readonly keepBlobs?: 'needed' | 'all';
  /** By default the one that this process can write. */
  readonly form?: LayerForm;
  /** What a layer may be made of; by default more than images are. */
  readonly limits?: LayerLimits;
  readonly signal?: AbortSignal;
  /** Told at most ten times a second, and once more at the end. */
  readonly onProgress?: (progress: TransferProgress) => void;
}

/** Layers that are fetched and unpacked at the same time: one unpacks while another waits for its bytes. */
const PARALLEL = 3;

/** A manifest of the platform that was chosen, read and checked. */
export interface ResolvedImage {
  /** Digest of what the source's name stands for: an index's, or the manifest's own. */
  readonly root: Digest;
  readonly descriptor: Descriptor;
  readonly manifestBytes: Buffer;
  readonly configBytes: Buffer;
  readonly manifest: Manifest;
  /** Of the layers, the lowest first. */
  readonly diffIds: readonly Digest[];
}

/**
 * Brings an image into the store. Its layers come and are unpacked in parallel; what the store has does not come again,
 * what an interrupted import has fetched from afar neither. The image is there when all of it is, and not before.
 * @throws Failure that names the blob and both values where a digest, a size or a diff id is wrong; the signal's reason
 *   when it is aborted
 */
export async function importImage(store: Store, source: ImageSource, options: ImportOptions = {}): Promise<Image> {
  const names = (options.names ?? source.references).map(fullName);
  const signal = options.signal ?? new AbortController().signal;
  const meter = new TransferMeter(options.onProgress ?? (() => undefined));
  const hold = await store.hold(signal);
  try {
    const image = await resolveImage(source, options.platform ?? hostPlatform(), signal);
    const form = options.form ?? formHere();
    const { keepBlobs = 'needed', limits = DEFAULT_LIMITS } = options;
    const context = { store, source, form, keepBlobs, limits, signal };
    await importLayers(context, image, meter);
    await putImage(context, image, names);
    return store.image(image.descriptor.digest);
  } catch (error) {
    throw storeFailure(error, store.folder);
  } finally {
    hold.release();
    meter.end();
  }
}

/** Finds and checks the manifest and the configuration of a source's image for a platform. Throws as `importImage`. */
export async function resolveImage(
  source: ImageSource,
  platform: Platform,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const root = await source.root(signal);
  const { digest } = root.descriptor;
  refuseWrong(root.descriptor, root.bytes.length, digestOf(root.bytes, digest), source.notation);
  const { descriptor, bytes } = await chooseManifest(source, root, platform, signal);
  const mediaType = manifestType(bytes, descriptor);
  if (!isManifestType(mediaType)) {
    throw new Failure(
      'invalid-manifest',
      `${descriptor.digest} of ${source.notation} is said to be an image but is an index.`,
      'Have the index made again.',
    );
  }
  const manifest = parseManifest(bytes, descriptor.digest);
  const configBytes = await checkedBytes(source, manifest.config, signal);
  const { diffIds } = parseConfig(configBytes, manifest.config.digest, manifest.layers.length);
  return {
    root: digest,
    descriptor: { ...descriptor, mediaType },
    manifestBytes: bytes,
    configBytes,
    manifest,
    diffIds,
  };
}

/** A few at a time. */
async function importLayers(
  context: LayerImport,
  { manifest, diffIds }: ResolvedImage,
  meter: TransferMeter,
): Promise<void> {
  const layers = distinctLayers(manifest, diffIds).map((layer): [Descriptor, Digest, MeterItem] => [
    ...layer,
    meter.item(layer[0].digest, 'layer', layer[0].size),
  ]);
  await inParallel(layers, PARALLEL, context.signal, (layer, signal) => importLayer({ ...context, signal }, ...layer));
}

/** An image may have a layer twice. */
function distinctLayers({ layers }: Manifest, diffIds: readonly Digest[]): [Descriptor, Digest][] {
  const distinct = new Map<string, [Descriptor, Digest]>();
  layers.forEach((layer, i) => distinct.set(`${layer.digest} ${diffIds[i]}`, [layer, diffIds[i]!]));
  return [...distinct.values()];
}

async function putImage(
  { store, source, form, signal }: LayerImport,
  { root, descriptor, manifestBytes, configBytes, manifest, diffIds }: ResolvedImage,
  names: readonly string[],
): Promise<void> {
  const { config, layers } = manifest;
  store.blobs.add(config, configBytes, source.notation);
  store.blobs.add(descriptor, manifestBytes, source.notation);
  const plain = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });
  await store.records.put(
    {
      version: 1,
      manifest: plain(descriptor),
      config: plain(config),
      root,
      source: source.notation,
      imported: new Date().toISOString(),
      form,
      layers: layers.map(({ mediaType, digest, size }, i) => ({
        ...{ diffId: diffIds[i]!, digest, mediaType, blobBytes: size, outside: null },
      })),
    },
    names,
    signal,
  );
}

const fullName = (name: string): string => printImageName(withDefaultTag({ ...parseImageName(name), digest: null }));
