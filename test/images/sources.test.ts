// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Image, TransferProgress } from '@shared/images';
import { importImage, type ImportOptions } from '../../src/main/images/import';
import { parsePlatform } from '../../src/main/images/platforms';
import { parseReference } from '../../src/main/images/references';
import { openSource } from '../../src/main/images/sources/open-source';
import { layerBlob, layerTar } from '../../src/main/images/store/layer-bytes';
import { checkStore } from '../../src/main/images/store/check';
import { Store } from '../../src/main/images/store/store';
import { differences, listTree } from '../programs/list-tree.mjs';
import { treeOfImage } from '../support/mounted-image';
import { makeScratch, removeScratch } from '../support/scratch';
import { ContainerStore, tool } from '../support/container-store';
import { buildImages } from '../support/small-images';

let folder = '';
let layout = '';
let wanted: string[] = [];
const signal = AbortSignal.timeout(300_000);

beforeAll(() => {
  folder = makeScratch('disk');
  const engine = new ContainerStore(`${folder}/engine`);
  buildImages(engine);
  wanted = engine.mounted('localhost/app:1', (root) => listTree(root) as string[]);
  layout = `${folder}/layout`;
  for (const name of ['base', 'app'])
    tool('skopeo', 'copy', '-q', engine.name(`localhost/${name}:1`), `oci:${layout}:${name}`);
  engine.podman('save', '-q', '--format', 'docker-archive', '-o', `${folder}/old.tar`, 'localhost/app:1');
  engine.remove();
});

afterAll(() => removeScratch(folder));

async function bring(store: Store, reference: string, options: ImportOptions = {}): Promise<Image> {
  const registry = (): never => {
    throw new Error('no registry in this test');
  };
  const source = await openSource(parseReference(reference), { store, registry, signal });
  try {
    return await importImage(store, source, options);
  } finally {
    await source.close();
  }
}

const expectSame = (image: Image, name: string, tree = wanted): void => {
  const isRoot = (line: string): boolean => line.startsWith('. ');
  const seen = treeOfImage(image, `${folder}/${name}.mount`);
  expect(
    differences(
      tree.filter((it) => !isRoot(it)),
      seen.filter((it) => !isRoot(it)),
    ),
  ).toEqual([]);
};

async function digestOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Record<string, string>;
}
const REF_NAME = 'org.opencontainers.image.ref.name';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const indexOf = (at: string): Entry[] =>
  (JSON.parse(readFileSync(`${at}/index.json`, 'utf8')) as { manifests: Entry[] }).manifests;
const writeIndex = (at: string, manifests: readonly Entry[]): void =>
  writeFileSync(`${at}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }));

/** Adds a document to a layout. */
function put(at: string, mediaType: string, document: object): Entry {
  const bytes = Buffer.from(JSON.stringify(document));
  const hex = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(`${at}/blobs/sha256/${hex}`, bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}

describe('images of umoci', () => {
  test('unpack to what umoci unpacks, layer upon layer', async () => {
    const at = `${folder}/umoci`;
    const image = `${at}:one`;
    tool('umoci', 'init', '--layout', at);
    tool('umoci', 'new', '--image', image);
    for (const round of [1, 2]) {
      tool('umoci', 'unpack', '--image', image, `${folder}/bundle-${round}`);
      const root = `${folder}/bundle-${round}/rootfs`;
      mkdirSync(`${root}/dir/${round}`, { recursive: true });
      writeFileSync(`${root}/dir/${round}/file`, `round ${round}`);
      writeFileSync(`${root}/both`, `round ${round}`);
      if (round === 2) rmSync(`${root}/dir/1`, { recursive: true });
      // umoci tells changes by the second, and leaves out a directory that seems to have none.
      utimesSync(`${root}/dir`, round, round);
      tool('umoci', 'repack', '--image', image, `${folder}/bundle-${round}`);
    }
    tool('umoci', 'unpack', '--image', image, `${folder}/bundle-3`);
    const store = Store.open(`${folder}/umoci-store`);
    const imported = await bring(store, `oci:${image}`);
    expect(imported.layers).toHaveLength(2);
    expectSame(imported, 'umoci', listTree(`${folder}/bundle-3/rootfs`) as string[]);
  });
});

describe('an OCI layout', () => {
  test('with several images asks which, and lists them', async () => {
    const store = Store.open(`${folder}/several`);
    await expect(bring(store, `oci:${layout}`)).rejects.toMatchObject({
      code: 'ambiguous-image',
      message: expect.stringMatching(/base.*app|app.*base/),
    });
    await expect(bring(store, `oci:${layout}:none`)).rejects.toMatchObject({ code: 'no-image' });
    const [first] = indexOf(layout);
    expect((await bring(store, `oci:${layout}:@0`)).digest).toBe(first!.digest);
    expect((await bring(store, `oci:${layout}:@${first!.digest}`)).digest).toBe(first!.digest);
  });

  test('with an index of platforms gives the one that is asked for, and this machine’s by default', async () => {
    const at = `${folder}/platforms`;
    tool('cp', '-a', layout, at);
    const entry = (name: string, architecture: string): Entry => {
      const { mediaType, digest, size } = indexOf(at).find((it) => it.annotations?.[REF_NAME] === name)!;
      return { mediaType, digest, size, platform: { os: 'linux', architecture } };
    };
    const host = { x64: 'amd64', arm64: 'arm64' }[process.arch as 'x64'];
    const inner = put(at, OCI_INDEX, { schemaVersion: 2, manifests: [entry('base', 's390x'), entry('app', host)] });
    const outer = put(at, OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [inner] });
    writeIndex(at, [{ ...outer, annotations: { [REF_NAME]: 'docker.io/library/multi:1' } }]);
    const store = Store.open(`${folder}/platforms-store`);
    const image = await bring(store, `oci:${at}`);
    expect(image.layers).toHaveLength(2);
    expect(image.references).toEqual(['docker.io/library/multi:1']);
    // The digest of the index is one that people have at hand.
    expect(store.image(`multi@${outer.digest}`).digest).toBe(image.digest);
    expect((await bring(store, `oci:${at}`, { platform: parsePlatform('linux/s390x') })).layers).toHaveLength(1);
    await expect(bring(store, `oci:${at}`, { platform: parsePlatform('linux/riscv64') })).rejects.toMatchObject({
      code: 'no-platform',
      hint: expect.stringContaining('linux/s390x'),
    });
  });

  test('that is none is told what it is, and a short name that it is one', async () => {
    const store = Store.open(`${folder}/odd`);
    mkdirSync(`${folder}/no-layout`);
    await expect(bring(store, `${folder}/no-layout`)).rejects.toMatchObject({ code: 'not-an-image' });
    await expect(bring(store, `oci:${folder}/no-layout`)).rejects.toMatchObject({ code: 'missing-blob' });
    await expect(bring(store, `${folder}/nothing`)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(bring(store, 'debian')).rejects.toMatchObject({
      code: 'short-name',
      hint: expect.stringContaining('docker.io/library/debian'),
    });
  });
});

test('an archive of Docker 25 and later, which holds a layout beside its own manifest, is read as the layout', async () => {
  const at = `${folder}/new-docker`;
  tool('cp', '-a', layout, at);
  const { digest, mediaType, size } = indexOf(at).find((it) => it.annotations?.[REF_NAME] === 'app')!;
  const { config, layers } = JSON.parse(readFileSync(`${at}/blobs/${digest.replace(':', '/')}`, 'utf8')) as {
    config: Entry;
    layers: Entry[];
  };
  const annotations = { 'io.containerd.image.name': 'docker.io/library/mine:5', [REF_NAME]: '5' };
  writeIndex(at, [{ mediaType, digest, size, annotations }]);
  const path = (it: Entry): string => `blobs/${it.digest.replace(':', '/')}`;
  writeFileSync(
    `${at}/manifest.json`,
    JSON.stringify([{ Config: path(config), RepoTags: ['mine:5'], Layers: layers.map(path) }]),
  );
  tool('tar', '-C', at, '-cf', `${folder}/new-docker.tar`, '.');
  const store = Store.open(`${folder}/new-docker-store`);
  const image = await bring(store, `docker-archive:${folder}/new-docker.tar:mine:5`);
  expect(image.digest).toBe(digest);
  expect(image.references).toEqual(['docker.io/library/mine:5']);
  expectSame(image, 'new-docker');
  expect((await bring(store, `${folder}/new-docker.tar`)).digest).toBe(digest);
});

describe('bytes out of the store', () => {
  test('the tar of each layer is exact, and so is each blob that is kept or can be made', async () => {
    const store = Store.open(`${folder}/bytes`);
    for (const reference of [`oci:${layout}:app`, `docker-archive:${folder}/old.tar`]) {
      const image = await bring(store, reference);
      const { layers, form } = store.record(image.digest);
      for (const layer of layers) {
        expect(await digestOf(layerTar(store, layer, form, signal))).toBe(layer.diffId);
        expect(await digestOf(layerBlob(store, layer, form, signal)!)).toBe(layer.digest);
      }
    }
  });

  test('a plain tar is not kept beside the unpacked layer, unless all are wanted', async () => {
    const store = Store.open(`${folder}/plain`);
    await bring(store, `docker-archive:${folder}/old.tar`);
    const { layers } = store.images()[0]!;
    expect(layers.map(({ digest }) => store.blobs.has(digest!))).toEqual([false, false]);
    await bring(store, `docker-archive:${folder}/old.tar`, { keepBlobs: 'all' });
    expect(layers.map(({ digest }) => store.blobs.has(digest!))).toEqual([true, true]);
    expect(await checkStore(store, signal)).toMatchObject({ defects: [] });
  });
});

describe('what is there is not brought again', () => {
  test('a second import finds all layers, and says so', async () => {
    const store = Store.open(`${folder}/again`);
    let last: TransferProgress | undefined;
    const onProgress = (progress: TransferProgress): void => {
      last = progress;
    };
    const image = await bring(store, `oci:${layout}:app`, { onProgress });
    expect(last!.items.map(({ state }) => state)).toEqual(['done', 'done']);
    expect(last!.files).toBe(image.layers.reduce((sum, { entries }) => sum + entries!, 0));
    expect(last!.bytes).toBe(image.layers.reduce((sum, { blobBytes }) => sum + blobBytes, 0));
    const before = statSync(image.layers[0]!.folder).ctimeMs;
    await bring(store, `oci:${layout}:app`, { onProgress });
    expect(last!.items.map(({ state }) => state)).toEqual(['exists', 'exists']);
    expect(last!.bytes).toBe(0);
    expect(statSync(image.layers[0]!.folder).ctimeMs).toBe(before);
  });

  test('the same layers in another compression share what is unpacked', async () => {
    const store = Store.open(`${folder}/shared`);
    const one = await bring(store, `oci:${layout}:app`, { names: ['localhost/one:1'] });
    const two = await bring(store, `docker-archive:${folder}/old.tar`, { names: ['localhost/two:1'] });
    expect(two.id).toBe(one.id);
    expect(two.digest).not.toBe(one.digest);
    expect(two.layers.map((layer) => layer.folder)).toEqual(one.layers.map((layer) => layer.folder));
    expect(two.layers.map(({ sharedBy }) => sharedBy)).toEqual([2, 2]);
    expect(store.layers.list().map(({ blobs }) => blobs.length)).toEqual([2, 2]);
    const { layers, form } = store.record(two.digest);
    for (const layer of layers) expect(await digestOf(layerBlob(store, layer, form, signal)!)).toBe(layer.digest);
    expect(await checkStore(store, signal)).toMatchObject({ defects: [], layers: 2, images: 2 });
  });
});
