// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { lstatSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import type { Digest } from '@shared/images';
import { raw } from './durable';
import type { LayerForm } from './layer-form';
import { LAYER_FORMS } from './layer-form';
import { namesIn } from './layers';
import type { StoreLayout } from './layout';
import { readLayerRecord, type ImageRecord, type References } from './records';

/** A layer of the store that something stands on. */
export interface LayerUse {
  readonly folder: ByteString;
  /** Who: a mount point, the name of a composition. */
  readonly by: string;
}

/** What a collection takes away; all of it is told before anything goes. */
export interface GarbagePlan {
  /** Manifests of images that lost their last name. */
  readonly images: readonly Digest[];
  readonly blobs: readonly { readonly digest: Digest; readonly bytes: number }[];
  readonly layers: readonly {
    readonly path: ByteString;
    readonly name: string;
    readonly form: LayerForm;
    readonly bytes: number;
  }[];
  /** Of interrupted imports, which start from nothing afterwards. */
  readonly partials: readonly { readonly name: string; readonly bytes: number }[];
  /** Layers that no image has, and that stay because something stands on them. */
  readonly inUse: readonly LayerUse[];
  /** Bytes on disk that become free. */
  readonly bytes: number;
  /** Names exactly this plan. */
  readonly token: string;
}

/** What no name leads to. */
export function planGarbage(
  layout: StoreLayout,
  records: readonly ImageRecord[],
  references: References,
  uses: readonly LayerUse[],
): GarbagePlan {
  const keptImages = new Set([...Object.values(references.names), ...references.unnamed]);
  const kept = records.filter(({ manifest }) => keptImages.has(manifest.digest));
  const keptBlobs = new Set(
    kept.flatMap(({ manifest, config, layers }) => [
      manifest.digest,
      config.digest,
      ...layers.map(({ digest }) => digest),
    ]),
  );
  const keptLayers = new Set(
    kept.flatMap(({ form, layers }) =>
      layers.filter(({ outside }) => !outside).map(({ diffId }) => layout.layer(diffId, form)),
    ),
  );
  const unreferenced = layersOf(layout).filter(({ path }) => !keptLayers.has(path));
  const usesOf = ({ path }: { path: ByteString }): LayerUse[] => uses.filter(({ folder }) => folder === `${path}/diff`);
  const plan = {
    images: records.map(({ manifest }) => manifest.digest).filter((digest) => !keptImages.has(digest)),
    blobs: blobsOf(layout).filter(({ digest }) => !keptBlobs.has(digest)),
    layers: unreferenced.filter((layer) => usesOf(layer).length === 0),
    partials: namesIn(layout.partial).map((name) => ({ name, bytes: bytesOf(`${layout.partial}/${name}`) })),
    inUse: unreferenced.flatMap(usesOf),
  };
  const bytes = [...plan.blobs, ...plan.layers, ...plan.partials].reduce((sum, item) => sum + item.bytes, 0);
  const token = createHash('sha256').update(JSON.stringify(plan)).digest('hex');
  return { ...plan, bytes, token };
}

/** All blobs of a store, in the order of their names. */
export const blobsOf = (layout: StoreLayout): { digest: Digest; bytes: number }[] =>
  namesIn(layout.blobs).flatMap((algorithm) =>
    namesIn(`${layout.blobs}/${algorithm}`)
      .sort()
      .map((hex) => ({ digest: `${algorithm}:${hex}`, bytes: bytesOf(`${layout.blobs}/${algorithm}/${hex}`) })),
  );

/** All layer folders of a store, whole or not, in the order of their names. */
export const layersOf = (layout: StoreLayout): { path: ByteString; name: string; form: LayerForm; bytes: number }[] =>
  LAYER_FORMS.flatMap((form) =>
    namesIn(`${layout.layers}/${form}`)
      .sort()
      .map((name) => {
        const path = `${layout.layers}/${form}/${name}`;
        return { path, name, form, bytes: readLayerRecord(`${path}/layer.json`)?.diskBytes ?? 0 };
      }),
  );

const bytesOf = (path: ByteString): number => lstatSync(raw(path), { throwIfNoEntry: false })?.size ?? 0;
