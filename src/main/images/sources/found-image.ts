// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Digest, Image, ImageLayer } from '@shared/images';
import { parseConfig } from '../config';
import { digestOf } from '../checked-bytes';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../media-types';
import type { Descriptor } from '../source';

/** A layer that another tool has unpacked. */
export interface FoundLayer {
  readonly diffId: Digest;
  /** Digest and size of the blob that it came as; null where its keeper does not say. */
  readonly blob: Descriptor | null;
  /** Bytes of its tar; null while not known. */
  readonly tarBytes: number | null;
  readonly folder: ByteString;
  /** Record from which its exact tar can be made; null where its keeper has none. */
  readonly tarSplit: ByteString | null;
}

/** An image that another tool on this machine keeps. It is only read, and may change or go while it is. */
export interface FoundImage {
  readonly keeper: Exclude<ImageLayer['keeper'], 'store'>;
  /** As a reference of `lamina image import`. */
  readonly notation: string;
  /** Full names. */
  readonly references: readonly string[];
  /** The exact manifest; null where its keeper has none. */
  readonly manifest: { readonly bytes: Buffer; readonly mediaType: string } | null;
  readonly config: Buffer;
  /** The lowest first. */
  readonly layers: readonly FoundLayer[];
}

/** As the Library shows it. Throws a Failure where its configuration cannot be read. */
export function foundAsImage(found: FoundImage): Image {
  const id = digestOf(found.config);
  const { platform, created, config, createdBy } = parseConfig(found.config, id, found.layers.length);
  const manifest = found.manifest?.bytes ?? plainManifest(found);
  return {
    id,
    digest: digestOf(manifest),
    references: found.references,
    platform,
    created,
    config,
    layers: found.layers.map((layer, i) => ({
      diffId: layer.diffId,
      digest: layer.blob?.digest ?? null,
      mediaType: layer.blob?.mediaType ?? OCI_LAYER,
      blobBytes: layer.blob?.size ?? layer.tarBytes ?? 0,
      tarBytes: layer.tarBytes,
      ...{ diskBytes: null, entries: null, folder: layer.folder, keeper: found.keeper },
      ...{ createdBy: createdBy[i]!, sharedBy: 1 },
    })),
    ...{ diskBytes: 0, sharedBytes: 0, source: found.notation },
  };
}

/** A manifest that names the layers as plain tars: what can be made of unpacked ones with certainty. */
export function plainManifest({ config, layers }: Pick<FoundImage, 'config' | 'layers'>): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: digestOf(config), size: config.length },
      layers: layers.map(({ diffId, tarBytes }) => ({ mediaType: OCI_LAYER, digest: diffId, size: tarBytes ?? 0 })),
    }),
  );
}
