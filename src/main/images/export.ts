// SPDX-License-Identifier: MIT
import type { TransferProgress } from '@shared/images';
import { checkedBytes } from './checked-bytes';
import { one } from './destinations/oci-folder';
import { inParallel } from './in-parallel';
import { parseManifest } from './manifest';
import type { Descriptor, ImageDestination, ImageSource, SourceRoot } from './source';
import { TransferMeter, type MeterItem } from './transfer-meter';

/** Blobs that are on their way at a time. */
const PARALLEL = 3;

export interface ExportOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TransferProgress) => void;
}

/**
 * Brings an image to a destination: what it does not have of the layers, the configuration, and last the manifest.
 * @param manifest of one image of the source, its bytes checked
 * @throws Failure that names the blob; AbortError, and nothing is half done then
 */
export async function exportImage(
  source: ImageSource,
  manifest: SourceRoot,
  destination: ImageDestination,
  { signal, onProgress }: ExportOptions,
): Promise<void> {
  const { config, layers } = parseManifest(manifest.bytes, manifest.descriptor.digest);
  const meter = new TransferMeter(onProgress);
  // The same layer twice in an image is one blob.
  const blobs = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
  const items = blobs.map((blob) => ({ blob, item: meter.item(blob.digest, 'layer', blob.size) }));
  const head = meter.item(config.digest, 'config', config.size);
  await inParallel(items, PARALLEL, signal, async ({ blob, item }, own) => {
    await send(destination, blob, item, (offset) => source.open(blob, offset, own), own);
  });
  const bytes = await checkedBytes(source, config, signal);
  await send(destination, config, head, (offset) => Promise.resolve(one(bytes.subarray(offset))), signal);
  await destination.finish(manifest.descriptor, manifest.bytes, signal);
  meter.end();
}

async function send(
  destination: ImageDestination,
  blob: Descriptor,
  item: MeterItem,
  open: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
  signal: AbortSignal,
): Promise<void> {
  if (await destination.has(blob, signal)) return item.end('exists');
  item.start();
  await destination.put(blob, open, (bytes) => item.addBytes(bytes), signal);
  item.end('done');
}
