// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import type { EngineOptions } from '@shared/lamina-options';
import { checkedBytes } from '../checked-bytes';
import { parseConfig } from '../config';
import type { Packing } from '../layer-format';
import { parseManifest } from '../manifest';
import type { ManifestFormat } from '../manifest-format';
import { hostPlatform } from '../platforms';
import type { Descriptor, ImageSource, SourceRoot } from '../source';
import { BuiltImage } from './built-image';
import {
  emptyConfig,
  withEdits,
  withLayers,
  type ConfigDocument,
  type ConfigEdits,
  type HistoryEntry,
} from './edit-config';
import { buildLayer, type BuiltLayer } from './layer-blob';
import { openRange, type LayerRange } from './range';

/** An image that a new one stands on. */
export interface BaseImage {
  readonly source: ImageSource;
  /** Its bytes checked. */
  readonly manifest: SourceRoot;
}

/** The layer of a new image that is made of a stack. */
export interface LayerRequest {
  readonly subject: Pick<Composition, 'upper' | 'lowers' | 'data'>;
  readonly options: EngineOptions;
  readonly range: LayerRange;
  readonly packing: Packing;
  /** Where the blob's file is put. */
  readonly file: ByteString;
  /** As `PackOptions.newest`. */
  readonly newest: number | null;
}

export interface ImageRequest {
  /** Null for an image of the new layer alone. */
  readonly base: BaseImage | null;
  /** How many layers of the base stay, from the lowest; the new one stands on them. */
  readonly kept: number;
  /** Null where only the configuration changes. */
  readonly layer: LayerRequest | null;
  readonly edits: ConfigEdits;
  /** What the history says of it. */
  readonly step: HistoryEntry;
  readonly references: readonly string[];
  /** `oci` by default. */
  readonly format?: ManifestFormat;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
  /** Bytes of the new layer's tar, and its entries, so far. */
  readonly onProgress: (bytes: number, entries: number) => void;
}

/**
 * Makes an image: of a base some or all layers, of a range of a stack a new one, and of the configuration what is
 * edited. Nothing but the file of the layer is written; the image is a source to export or import from.
 * @throws Failure where the base cannot be read or the layer cannot be made
 */
export async function commitImage(request: ImageRequest): Promise<BuiltImage> {
  const { base, kept, edits, step, references } = request;
  const { config, layers } = base ? await readBase(base, request.signal) : NOTHING();
  const built = request.layer ? [await layerOf(request.layer, request)] : [];
  const diffIds = built.map(({ diffId }) => diffId);
  const edited = withEdits(withLayers(config, kept, diffIds, step), edits);
  return new BuiltImage(
    {
      config: Buffer.from(JSON.stringify(edited)),
      layers: [...layers.slice(0, kept), ...built.map(({ descriptor }) => descriptor)],
      built,
      base: base?.source ?? null,
      format: request.format ?? 'oci',
    },
    references,
    references[0] ?? 'the new image',
  );
}

interface Parts {
  readonly config: ConfigDocument;
  readonly layers: readonly Descriptor[];
}

const NOTHING = (): Parts => ({ config: emptyConfig(hostPlatform()), layers: [] });

async function readBase({ source, manifest }: BaseImage, signal: AbortSignal): Promise<Parts> {
  const { config, layers } = parseManifest(manifest.bytes, manifest.descriptor.digest);
  const bytes = await checkedBytes(source, config, signal);
  parseConfig(bytes, config.digest, layers.length);
  return { config: JSON.parse(bytes.toString('utf8')) as ConfigDocument, layers };
}

async function layerOf(layer: LayerRequest, request: ImageRequest): Promise<BuiltLayer> {
  const { note, signal, onProgress } = request;
  const stacks = openRange(layer.subject, layer.options, layer.range);
  try {
    return await buildLayer(stacks, { ...layer, note, signal, onProgress });
  } finally {
    stacks.close();
  }
}
