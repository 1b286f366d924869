// SPDX-License-Identifier: MIT
import { decompress } from '../decompress';
import { LAYER_MEDIA_TYPE, MAGIC_BYTES, packingOf, type Packing } from '../layer-format';
import { recompressionProbe } from '../recompression-probe';
import { RecordWriter } from '../tar-split/write-record';
import { TarReader } from '../tar/reader';
import { TarError } from '../tar/tar-error';
import { entryFailure } from './entry-failure';
import { LayerFolder } from './layer-folder';
import { LayerMeter } from './layer-meter';
import { placeEntry, type Sink } from './place-entry';
import type { UnpackedLayer, UnpackProgress, UnpackTarget } from './unpack-target';

export type { UnpackedLayer, UnpackProgress, UnpackTarget } from './unpack-target';

/**
 * Unpacks one layer, and writes its tar-split record, while its blob streams in: nothing of it is held whole. The blob's
 * packing is told by its bytes. Nothing is written outside of the folder and the record, whatever the layer says; what is
 * written when it fails or is cancelled stays, for the caller to remove, and nothing is synced.
 *
 * The digests are of what was read: the caller compares them with what the manifest and the configuration say.
 * @param onProgress called for each piece of the tar, some ten times a MiB at most
 * @throws Failure that names the layer and the entry; the signal's reason when it is aborted; what `blob` throws
 */
export async function unpackLayer(
  blob: AsyncIterable<Uint8Array>,
  target: UnpackTarget,
  signal: AbortSignal,
  onProgress: (progress: UnpackProgress) => void,
): Promise<UnpackedLayer> {
  const meter = new LayerMeter(target.limits, signal, onProgress);
  let reader: TarReader | null = null;
  try {
    const { packing, stream } = await detect(meter.blob(blob));
    meter.probe = recompressionProbe(packing);
    reader = new TarReader(meter.tar(decompress(stream, packing)));
    const filesBytes = await unpackTar(reader, target, meter);
    return {
      ...meter.result(),
      diskBytes: filesBytes,
      mediaType: LAYER_MEDIA_TYPE[packing],
      recompression: await meter.probe.finish(),
    };
  } catch (error) {
    throw entryFailure(error, target.layer, reader?.lastName ?? '');
  } finally {
    await reader?.close();
    meter.probe?.close();
  }
}

async function unpackTar(reader: TarReader, target: UnpackTarget, meter: LayerMeter): Promise<number> {
  const folder = new LayerFolder(target);
  let record: RecordWriter | null = null;
  try {
    record = new RecordWriter(target.tarSplit);
    const sink: Sink = { reader, folder, record, odd: new Set() };
    let bytes = 0;
    for (let entry = await reader.next(); entry !== null; entry = await reader.next()) {
      meter.entry(entry);
      bytes += await placeEntry(sink, entry);
      await record.flow();
    }
    await recordEnd(reader, record);
    bytes += folder.finish();
    await record.finish();
    return bytes;
  } catch (error) {
    await record?.abandon();
    throw error;
  } finally {
    folder.close();
  }
}

/** Records the zero blocks, and whatever a tool has put behind them. */
async function recordEnd(reader: TarReader, record: RecordWriter): Promise<void> {
  const end = reader.takeRaw();
  if (end.length > 0) record.segment(end);
  for (let piece = await reader.trailing(); piece !== null; piece = await reader.trailing()) {
    record.segment(piece);
    await record.flow();
  }
}

/** Looks at the first bytes, and gives the stream back whole. */
async function detect(
  blob: AsyncGenerator<Buffer>,
): Promise<{ readonly packing: Packing; readonly stream: AsyncIterable<Buffer> }> {
  let start: Buffer = Buffer.alloc(0);
  let isWhole = false;
  while (start.length < MAGIC_BYTES && !isWhole) {
    const { value, done } = await blob.next();
    if (done === true) isWhole = true;
    else start = start.length === 0 ? value : Buffer.concat([start, value]);
  }
  const packing = packingOf(start);
  if (packing !== 'tar' && packing !== 'gzip' && packing !== 'zstd')
    throw new TarError('unsupported-entry', `it is compressed with ${packing}, which no image may have`);
  return { packing, stream: startWith(start, blob) };
}

async function* startWith(start: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  yield* rest;
}
