// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import type { ByteString } from '@shared/bytes';
import { digestSchema } from '../manifest';
import { raw } from './durable';
import { LAYER_FORMS, type LayerForm } from './layer-form';

const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const form = v.picklist(LAYER_FORMS as readonly [LayerForm, ...LayerForm[]]);
const descriptor = v.object({ mediaType: v.string(), digest: digestSchema, size: bytes });

const knownBlob = v.object({
  digest: digestSchema,
  bytes,
  mediaType: v.string(),
  /** How the exact blob is made again from the tar; null where it cannot be, and is kept. */
  recompression: v.unknown(),
});

const layerSchema = v.object({
  version: v.literal(1),
  diffId: digestSchema,
  form,
  tarBytes: bytes,
  entries: bytes,
  /** Bytes that the files take on disk. */
  diskBytes: bytes,
  /** The compressed forms in which it came. */
  blobs: v.array(knownBlob),
  /** Where it came from first, as a reference of `lamina image import`. */
  origin: v.string(),
  /** RFC 3339. */
  made: v.string(),
});

const outsideSchema = v.object({
  keeper: v.picklist(['containers-storage', 'docker', 'containerd', 'mount'] as const),
  folder: v.string(),
  /** Record from which its exact tar can be made; null where its keeper has none. */
  tarSplit: v.nullable(v.string()),
  tarBytes: v.nullable(bytes),
});

const imageSchema = v.object({
  version: v.literal(1),
  manifest: descriptor,
  config: descriptor,
  /** Digest that the source's name stood for: the index's, where there was one. */
  root: digestSchema,
  source: v.string(),
  /** RFC 3339. */
  imported: v.string(),
  form,
  layers: v.array(
    v.object({
      diffId: digestSchema,
      digest: v.nullable(digestSchema),
      mediaType: v.string(),
      blobBytes: bytes,
      /** A layer that another tool keeps; null where it is the store's. */
      outside: v.nullable(outsideSchema),
    }),
  ),
});

const referencesSchema = v.object({
  /** Full name to digest of the manifest. */
  names: v.record(v.string(), digestSchema),
  /** Images that came without a name and are kept all the same. */
  unnamed: v.array(digestSchema),
});

export type KnownBlob = v.InferOutput<typeof knownBlob>;
export type LayerRecord = v.InferOutput<typeof layerSchema>;
export type OutsideLayer = v.InferOutput<typeof outsideSchema>;
export type ImageRecord = v.InferOutput<typeof imageSchema>;
export type References = v.InferOutput<typeof referencesSchema>;

/** A record of the store; null where there is none or it is not one, which `check` tells apart. */
function readRecord<T>(schema: v.GenericSchema<unknown, T>, path: ByteString): T | null {
  try {
    const result = v.safeParse(schema, JSON.parse(readFileSync(raw(path), 'utf8')));
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}

export const readLayerRecord = (path: ByteString): LayerRecord | null => readRecord(layerSchema, path);
export const readImageRecord = (path: ByteString): ImageRecord | null => readRecord(imageSchema, path);
export const readReferences = (path: ByteString): References | null => readRecord(referencesSchema, path);
