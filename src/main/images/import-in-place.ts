// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import type { Image } from '@shared/images';
import { digestOf } from './checked-bytes';
import { parseConfig } from './config';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from './media-types';
import { plainManifest, type FoundImage } from './sources/found-image';
import { formHere } from './store/layer-form';
import type { ImageRecord } from './store/records';
import type { Store } from './store/store';

/**
 * Registers an image that another tool keeps: its manifest and configuration are copied, its layers stay where they are
 * and are only read. When that tool removes or changes it, `check` says so.
 * @param names by default those that it has where it is
 * @throws Failure where it has no layers that stay as they are
 */
export async function importInPlace(store: Store, found: FoundImage, names?: readonly string[]): Promise<Image> {
  if (found.keeper === 'mount') {
    throw new Failure(
      'not-an-image',
      `${found.notation} is a mount of a running container, which is no image.`,
      'Use its layers in a composition, or commit it as an image.',
    );
  }
  const config = { mediaType: OCI_CONFIG, digest: digestOf(found.config), size: found.config.length };
  parseConfig(found.config, config.digest, found.layers.length);
  const bytes = found.manifest?.bytes ?? plainManifest(found);
  const manifest = {
    mediaType: found.manifest?.mediaType ?? OCI_MANIFEST,
    digest: digestOf(bytes),
    size: bytes.length,
  };
  const recordOf = (): ImageRecord => ({
    ...{ version: 1, manifest, config, root: manifest.digest, source: found.notation },
    ...{ imported: new Date().toISOString(), form: formHere() },
    layers: found.layers.map(({ diffId, blob, tarBytes, folder, tarSplit }) => ({
      diffId,
      digest: blob?.digest ?? null,
      mediaType: blob?.mediaType ?? OCI_LAYER,
      blobBytes: blob?.size ?? tarBytes ?? 0,
      outside: { keeper: found.keeper, folder, tarSplit, tarBytes },
    })),
  });
  const hold = await store.hold();
  try {
    const known = store.records.find(manifest.digest);
    store.blobs.add(config, found.config, found.notation);
    store.blobs.add(manifest, bytes, found.notation);
    // Layers of the store's own are better: nobody else can change them.
    await store.records.put(
      known && known.layers.every(({ outside }) => !outside) ? known : recordOf(),
      names ?? found.references,
    );
    return store.image(manifest.digest);
  } finally {
    hold.release();
  }
}
