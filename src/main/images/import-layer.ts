// SPDX-License-Identifier: MIT
import { rmSync } from 'node:fs';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { algorithmOf, hashFor, refuseWrong } from './checked-bytes';
import { fetchBlob, fetchKeeping } from './fetch-blob';
import type { Descriptor, ImageSource } from './source';
import { raw } from './store/durable';
import { FORM_RULES, type LayerForm } from './store/layer-form';
import type { LayerWork } from './store/layers';
import { hexOf } from './store/layout';
import { takeLock } from './store/locks';
import type { KnownBlob, LayerRecord } from './store/records';
import type { Store } from './store/store';
import type { MeterItem } from './transfer-meter';
import type { LayerLimits } from './unpack/limits';
import { unpackLayer, type UnpackedLayer } from './unpack/unpack-layer';

/** What all layers of an import have in common. */
export interface LayerImport {
  readonly store: Store;
  readonly source: ImageSource;
  readonly form: LayerForm;
  /** `needed`: compressed blobs stay only where they cannot be made again from the unpacked layer. */
  readonly keepBlobs: 'needed' | 'all';
  readonly limits: LayerLimits;
  readonly signal: AbortSignal;
}

/**
 * Brings one layer into the store, unless it is there: fetches its blob, unpacks it while it comes, and checks size,
 * digest and diff id before anybody sees it. Another import of the same layer is waited for.
 * @throws Failure that names the layer and both values where one is wrong
 */
export async function importLayer(
  context: LayerImport,
  blob: Descriptor,
  diffId: Digest,
  meter: MeterItem,
): Promise<void> {
  const { store, form, signal } = context;
  const lock = await takeLock(store.layout.lockOf(`${form}-${hexOf(diffId)}`), 'exclusive', signal);
  try {
    const found = store.layers.find(diffId, form);
    const known = found?.blobs.find(({ digest }) => digest === blob.digest);
    const isKept = store.blobs.has(blob.digest);
    if (known && (isKept || (context.keepBlobs === 'needed' && known.recompression !== null)))
      return meter.end('exists');
    meter.start(blob.size);
    const partial = await takeLock(store.layout.lockOf(`blob-${hexOf(blob.digest)}`), 'exclusive', signal);
    try {
      await fetchLayer(context, blob, diffId, found, meter);
    } finally {
      partial.release();
    }
    meter.end('done');
  } finally {
    lock.release();
  }
}

async function fetchLayer(
  context: LayerImport,
  blob: Descriptor,
  diffId: Digest,
  found: LayerRecord | null,
  meter: MeterItem,
): Promise<void> {
  const { store, source, form } = context;
  const work = store.layers.begin();
  try {
    const unpacked = await unpackChecked(context, blob, diffId, work, meter);
    const known: KnownBlob = {
      digest: blob.digest,
      bytes: blob.size,
      mediaType: unpacked.mediaType,
      recompression: unpacked.recompression,
    };
    if (found) {
      await keepOrForget(context, blob, unpacked.recompression !== null);
      if (!found.blobs.some(({ digest }) => digest === blob.digest)) store.layers.addBlob(found, known);
      store.layers.abandon(work);
      return;
    }
    const { tarBytes, entries, diskBytes } = unpacked;
    const record: LayerRecord = {
      ...{ version: 1, diffId, form, tarBytes, entries, diskBytes },
      ...{ blobs: [known], origin: source.notation, made: new Date().toISOString() },
    };
    // The blob's file is synced with the layer, and is there before the layer's record speaks of it.
    await store.layers.sync(work, record);
    await keepOrForget(context, blob, unpacked.recompression !== null);
    store.layers.publish(work, record);
  } catch (error) {
    store.layers.abandon(work);
    throw error;
  }
}

/** A partial blob may have been damaged where it lay: then all of it is fetched once more. */
async function unpackChecked(
  context: LayerImport,
  blob: Descriptor,
  diffId: Digest,
  work: LayerWork,
  meter: MeterItem,
): Promise<UnpackedLayer> {
  const { store, source, signal } = context;
  const partial = store.layout.partialBlob(blob.digest);
  let old = 0;
  const fetch = (): AsyncGenerator<Uint8Array> =>
    isSpooled(source, blob)
      ? fetchKeeping(source, blob, partial, (there) => (old = there), signal)
      : fetchBlob(source, blob, 0, signal);
  try {
    return await unpackOnce(context, blob, diffId, work, fetch, meter);
  } catch (error) {
    if (signal.aborted || !isWrong(error)) throw error;
    rmSync(raw(partial), { force: true });
    if (old === 0) throw error;
  }
  meter.reset();
  store.layers.empty(work);
  return unpackOnce(context, blob, diffId, work, fetch, meter);
}

/** What the bytes themselves are to blame for: they are of no use to the next import either. */
const isWrong = (error: unknown): boolean =>
  error instanceof Failure && ['wrong-digest', 'wrong-size', 'wrong-diff-id'].includes(error.code);

async function unpackOnce(
  { source, form, limits, signal }: LayerImport,
  blob: Descriptor,
  diffId: Digest,
  work: LayerWork,
  fetch: () => AsyncGenerator<Uint8Array>,
  meter: MeterItem,
): Promise<UnpackedLayer> {
  const { bytes, failure, digest } = watched(fetch(), blob.digest, meter);
  const { folder, tarSplit } = work;
  const target = { layer: blob.digest, folder, tarSplit, limits, ...FORM_RULES[form] };
  let unpacked: UnpackedLayer;
  try {
    unpacked = await closing(bytes, () => unpackLayer(bytes, target, signal, ({ entries }) => meter.setFiles(entries)));
  } catch (error) {
    signal.throwIfAborted();
    // A layer that cannot be unpacked is first asked whether it is the right one.
    if (failure() === null) await refuseWrongBlob(blob, fetch(), source.notation);
    throw error;
  }
  meter.setFiles(unpacked.entries);
  refuseWrong(blob, unpacked.blobBytes, digest() ?? unpacked.digest, source.notation);
  if (unpacked.diffId !== diffId) throw wrongDiffId(blob, diffId, unpacked.diffId, source.notation);
  return unpacked;
}

/** Frees what a stream holds open, however the use of it ends. */
async function closing<T>(stream: AsyncGenerator<unknown>, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await stream.return(undefined);
  }
}

/** The bytes of a blob as they pass: counted, and hashed where the digest is none that the unpacking makes itself. */
function watched(
  bytes: AsyncIterable<Uint8Array>,
  wanted: Digest,
  meter: MeterItem,
): { bytes: AsyncGenerator<Uint8Array>; failure: () => unknown; digest: () => Digest | null } {
  const hash = wanted.startsWith('sha256:') ? null : hashFor(wanted);
  let failure: unknown = null;
  const pass = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of bytes) {
        hash?.update(chunk);
        meter.addBytes(chunk.length);
        yield chunk;
      }
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  return {
    bytes: pass(),
    failure: () => failure,
    digest: () => (hash === null ? null : `${algorithmOf(wanted)}:${hash.digest('hex')}`),
  };
}

async function refuseWrongBlob(blob: Descriptor, bytes: AsyncIterable<Uint8Array>, from: string): Promise<void> {
  const hash = hashFor(blob.digest);
  let seen = 0;
  for await (const chunk of bytes) {
    hash.update(chunk);
    seen += chunk.length;
  }
  refuseWrong(blob, seen, `${algorithmOf(blob.digest)}:${hash.digest('hex')}`, from);
}

/**
 * Whether what comes of a blob is written down on its way: what is far away must not come twice, and compressed blobs
 * mostly have to be kept, because their compressor is another than ours.
 */
const isSpooled = ({ isLocal }: ImageSource, { mediaType }: Descriptor): boolean =>
  isLocal !== true || !mediaType.endsWith('.tar');

/** Keeps the compressed blob where it cannot be made again, or all are wanted. */
async function keepOrForget(context: LayerImport, blob: Descriptor, canBeMade: boolean): Promise<void> {
  const { store, source, signal } = context;
  const isWanted = (!canBeMade || context.keepBlobs === 'all') && !store.blobs.has(blob.digest);
  const partial = store.layout.partialBlob(blob.digest);
  if (isWanted && isSpooled(source, blob)) await store.blobs.adopt(partial, blob.digest);
  else if (isWanted) await store.blobs.receive(blob, fetchBlob(source, blob, 0, signal), source.notation);
  rmSync(raw(partial), { force: true });
}

const wrongDiffId = (blob: Descriptor, wanted: Digest, found: Digest, from: string): Failure =>
  new Failure(
    'wrong-diff-id',
    `Layer ${blob.digest} of ${from} unpacks to a tar with the digest ${found}, the configuration says ${wanted}.`,
    'The image was put together wrongly: have it made again.',
  );
