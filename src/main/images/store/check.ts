// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { algorithmOf, hashFor } from '../checked-bytes';
import { parseConfig } from '../config';
import { parseManifest } from '../manifest';
import { checkLayer } from './check-layer';
import { blobsOf, layersOf } from './garbage';
import { namesIn } from './layers';
import { hexOf } from './layout';
import { readImageRecord, readLayerRecord, type ImageRecord } from './records';
import type { Store } from './store';

/** Something that is not as it should be. */
export interface Defect {
  readonly kind:
    'wrong-blob' | 'missing-blob' | 'wrong-layer' | 'missing-layer' | 'wrong-image' | 'wrong-name' | 'unknown-file';
  /** What it is about: a digest, a name, a path. */
  readonly about: string;
  /** What is wrong, as a sentence. */
  readonly message: string;
  /** What ends it, as a sentence. */
  readonly cure: string;
}

export interface CheckReport {
  readonly defects: readonly Defect[];
  /** How many were looked at. */
  readonly blobs: number;
  readonly layers: number;
  readonly images: number;
}

/** How far a check is: things looked at, of how many. */
export type OnChecked = (done: number, total: number) => void;

/**
 * Looks at all of a store: hashes blobs, makes the tar of each layer again and holds its files against it, follows images
 * and names. Nothing is changed.
 */
export async function checkStore(
  store: Store,
  signal: AbortSignal,
  onChecked: OnChecked = () => undefined,
): Promise<CheckReport> {
  const hold = await store.hold(signal);
  try {
    const blobs = blobsOf(store.layout);
    const layers = layersOf(store.layout);
    const records = store.records.list();
    const outside = new Map(
      records.flatMap(({ layers: all }) => all.flatMap((it) => (it.outside ? [[it.outside.folder, it]] : []))),
    );
    const total = blobs.length + layers.length + outside.size;
    const defects: Defect[] = [...unknownFiles(store), ...checkReferences(store)];
    let done = 0;
    const step = (found: readonly Defect[]): void => {
      defects.push(...found);
      onChecked(++done, total);
    };
    const sources = sourcesOf(records);
    for (const { digest } of blobs) step(await checkBlob(store, digest, sources(digest), signal));
    for (const { path, name, form } of layers) step(await checkOwn(path, name, form === 'real', signal));
    for (const layer of outside.values()) step(await checkOutside(layer, signal));
    for (const record of records) defects.push(...checkImage(store, record));
    return { defects, blobs: blobs.length, layers: layers.length + outside.size, images: records.length };
  } finally {
    hold.release();
  }
}

const importAgain = (source: string | undefined): string =>
  source === undefined
    ? 'lamina image gc takes it away.'
    : `Move it away and import the image again: lamina image import ${source}.`;

/** Which import would bring a blob again. */
function sourcesOf(records: readonly ImageRecord[]): (digest: Digest) => string | undefined {
  const sources = new Map<Digest, string>();
  for (const { manifest, config, layers, source } of records)
    for (const digest of [manifest.digest, config.digest, ...layers.map((layer) => layer.digest)])
      if (digest !== null) sources.set(digest, source);
  return (digest) => sources.get(digest);
}

async function checkBlob(
  store: Store,
  digest: Digest,
  source: string | undefined,
  signal: AbortSignal,
): Promise<Defect[]> {
  const path = store.layout.blob(digest);
  const wrong = (message: string): Defect[] => [
    { kind: 'wrong-blob', about: digest, message, cure: importAgain(source) },
  ];
  if (!/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/.test(digest))
    return wrong(`${display(path)} has a name that is no digest.`);
  const hash = hashFor(digest);
  for await (const chunk of store.blobs.open(digest, 0)) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
  const found = `${algorithmOf(digest)}:${hash.digest('hex')}`;
  return found === digest ? [] : wrong(`Blob ${display(path)} has the digest ${found}.`);
}

async function checkOwn(path: ByteString, name: string, hasMetadata: boolean, signal: AbortSignal): Promise<Defect[]> {
  const record = readLayerRecord(`${path}/layer.json`);
  const cure = `Remove the folder ${display(path)}, then import the image again${record ? `: lamina image import ${record.origin}` : ''}.`;
  const wrong = (message: string): Defect => ({ kind: 'wrong-layer', about: record?.diffId ?? name, message, cure });
  if (!record || hexOf(record.diffId) !== name)
    return [wrong(`Layer ${display(path)} has no record, or another layer's.`)];
  const layer = { folder: `${path}/diff`, tarSplit: `${path}/tar-split`, diffId: record.diffId, hasMetadata };
  return (await checkLayer(layer, signal)).map((reason) =>
    wrong(`Layer ${record.diffId}: ${reason.replace(/\.$/, '')}.`),
  );
}

async function checkOutside(
  { diffId, outside }: ImageRecord['layers'][number],
  signal: AbortSignal,
): Promise<Defect[]> {
  const { folder, tarSplit, keeper } = outside!;
  const cure = `${keeper} keeps it: pull the image again there, or copy it into the store: lamina image import.`;
  const wrong = (reason: string): Defect => ({
    ...{ kind: 'wrong-layer', about: diffId, cure },
    message: `Layer ${diffId} in ${display(folder)}: ${reason.replace(/\.$/, '')}.`,
  });
  // Without a record of its tar nothing is known of it but that it is there.
  if (tarSplit === null) return namesIn(folder).length > 0 ? [] : [wrong('the folder is empty or gone')];
  return (await checkLayer({ folder, tarSplit, diffId, hasMetadata: false }, signal)).map(wrong);
}

function checkImage(store: Store, record: ImageRecord): Defect[] {
  const { manifest, config, layers, form, source } = record;
  const about = manifest.digest;
  const cure = `Import it again: lamina image import ${source}.`;
  const missing = [manifest.digest, config.digest].filter((digest) => !store.blobs.has(digest));
  if (missing.length > 0) {
    return missing.map((digest) => ({
      kind: 'missing-blob',
      about,
      message: `Image ${about} lacks its blob ${digest}.`,
      cure,
    }));
  }
  try {
    const parsed = parseManifest(store.blobs.read(manifest.digest), manifest.digest);
    const { diffIds } = parseConfig(store.blobs.read(config.digest), config.digest, parsed.layers.length);
    if (parsed.config.digest !== config.digest || diffIds.join() !== layers.map(({ diffId }) => diffId).join())
      return [{ kind: 'wrong-image', about, message: `The record of image ${about} is another image's.`, cure }];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [{ kind: 'wrong-image', about, message: error.message, cure }];
  }
  return layers
    .filter(({ diffId, outside }) => !outside && !store.layers.find(diffId, form))
    .map(({ diffId }) => ({
      kind: 'missing-layer',
      about,
      message: `Image ${about} lacks its layer ${diffId}.`,
      cure,
    }));
}

function checkReferences(store: Store): Defect[] {
  let references;
  try {
    references = store.records.references();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [{ kind: 'wrong-name', about: 'references.json', message: error.message, cure: error.hint }];
  }
  const lost = [
    ...Object.entries(references.names),
    ...references.unnamed.map((digest): [string, Digest] => [digest, digest]),
  ].filter(([, digest]) => !store.records.find(digest));
  return lost.map(([name, digest]) => ({
    ...{ kind: 'wrong-name', about: name },
    message: `${name} stands for the image ${digest}, which is not there.`,
    cure: `Take the name away, or import the image again: lamina image untag ${name}.`,
  }));
}

const KNOWN = [
  'lamina-store.json',
  'lock',
  'locks',
  'blobs',
  'layers',
  'images',
  'references.json',
  'partial',
  'temporary',
];

/** What nobody of this store has put there. */
function unknownFiles({ layout }: Store): Defect[] {
  const odd = (paths: readonly ByteString[]): Defect[] =>
    paths.map((path) => ({
      ...{ kind: 'unknown-file', about: display(path) },
      message: `${display(path)} is no file of the image store, or is damaged.`,
      cure: 'Move it away.',
    }));
  return [
    ...odd(
      namesIn(layout.folder)
        .filter((name) => !KNOWN.includes(name))
        .map((name) => `${layout.folder}/${name}`),
    ),
    ...odd(
      namesIn(layout.blobs)
        .filter((name) => !/^sha(?:256|512)$/.test(name))
        .map((name) => `${layout.blobs}/${name}`),
    ),
    ...odd(
      namesIn(layout.layers)
        .filter((name) => !/^(?:real|mapped|recorded)$/.test(name))
        .map((name) => `${layout.layers}/${name}`),
    ),
    ...odd(
      namesIn(layout.images)
        .map((name) => `${layout.images}/${name}`)
        .filter((path) => {
          const record = readImageRecord(path);
          return !record || layout.image(record.manifest.digest) !== path;
        }),
    ),
  ];
}
