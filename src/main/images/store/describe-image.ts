// SPDX-License-Identifier: MIT
import type { Digest, Image, ImageLayer } from '@shared/images';
import { parseConfig, type ParsedConfig } from '../config';
import type { Blobs } from './blobs';
import type { ImageRecords } from './images';
import type { Layers } from './layers';
import type { ImageRecord, References } from './records';

/** What of the store a description is made from. */
export interface Shelves {
  readonly blobs: Blobs;
  readonly layers: Layers;
  readonly records: ImageRecords;
}

type Sharing = (layer: ImageRecord['layers'][number], record: ImageRecord) => number;

/** All images of a store, those without a name too. An image whose configuration is gone is passed over: `check` names it. */
export function describeImages({ blobs, layers, records }: Shelves): Image[] {
  const all = records.list();
  const references = records.references();
  const counts = new Map<string, number>();
  for (const record of all) {
    for (const key of new Set(record.layers.map((layer) => placeKey(layer, record))))
      counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const sharing: Sharing = (layer, record) => counts.get(placeKey(layer, record))!;
  return all.flatMap((record) => {
    const config = configOf(blobs, record);
    return config ? describe(record, config, layers, references, sharing) : [];
  });
}

/** Layers are the same where their files are. */
const placeKey = ({ diffId, outside }: ImageRecord['layers'][number], { form }: ImageRecord): string =>
  outside ? outside.folder : `${form} ${diffId}`;

function configOf(blobs: Blobs, { config, layers }: ImageRecord): ParsedConfig | null {
  try {
    return parseConfig(blobs.read(config.digest), config.digest, layers.length);
  } catch {
    return null;
  }
}

function describe(
  record: ImageRecord,
  { platform, created, config, createdBy }: ParsedConfig,
  layers: Layers,
  references: References,
  sharing: Sharing,
): Image {
  const described = record.layers.map((layer, i): ImageLayer => {
    const kept = layer.outside ? null : layers.find(layer.diffId, record.form);
    return {
      diffId: layer.diffId,
      digest: layer.digest,
      mediaType: layer.mediaType,
      blobBytes: layer.blobBytes,
      tarBytes: layer.outside?.tarBytes ?? kept?.tarBytes ?? null,
      diskBytes: kept?.diskBytes ?? null,
      entries: kept?.entries ?? null,
      folder: layer.outside?.folder ?? layers.paths(layer.diffId, record.form).folder,
      keeper: layer.outside?.keeper ?? 'store',
      createdBy: createdBy[i]!,
      sharedBy: sharing(layer, record),
    };
  });
  // A layer that stands twice in an image takes its room once.
  const distinct = [...new Map(described.map((layer) => [layer.folder, layer])).values()];
  const sum = (list: readonly ImageLayer[]): number => list.reduce((all, { diskBytes }) => all + (diskBytes ?? 0), 0);
  return {
    id: record.config.digest,
    digest: record.manifest.digest,
    references: namesOf(references, record.manifest.digest),
    platform,
    created,
    layers: described,
    config,
    diskBytes: sum(distinct),
    sharedBytes: sum(distinct.filter(({ sharedBy }) => sharedBy > 1)),
    source: record.source,
  };
}

/** The names of an image, in order. */
export const namesOf = ({ names }: References, manifest: Digest): string[] =>
  Object.entries(names)
    .filter(([, digest]) => digest === manifest)
    .map(([name]) => name)
    .sort();
