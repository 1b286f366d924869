// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Image } from '@shared/images';
import { importImage } from '../../src/main/images/import';
import { importInPlace } from '../../src/main/images/import-in-place';
import { parseReference } from '../../src/main/images/references';
import { ContainersStorage } from '../../src/main/images/sources/containers-storage';
import { openSource } from '../../src/main/images/sources/open-source';
import { Store } from '../../src/main/images/store/store';
import { differences, listTree } from '../programs/list-tree.mjs';
import { treeOfImage } from '../support/mounted-image';
import { makeScratch, removeScratch } from '../support/scratch';
import { ContainerStore, tool } from '../support/container-store';
import { buildImages } from '../support/small-images';

let folder = '';
let engine: ContainerStore;
let wanted: string[] = [];

beforeAll(() => {
  folder = makeScratch('disk');
  engine = new ContainerStore(`${folder}/engine`);
  buildImages(engine);
  wanted = engine.mounted('localhost/app:1', (root) => listTree(root) as string[]);
});

afterAll(() => {
  engine.remove();
  removeScratch(folder);
});

/** Imports into a store of its own. */
async function imported(reference: string, name: string): Promise<{ store: Store; image: Image }> {
  const store = Store.open(`${folder}/${name}`);
  const registry = (): never => {
    throw new Error('no registry in this test');
  };
  const source = await openSource(parseReference(reference), { store, registry, signal: AbortSignal.timeout(60_000) });
  try {
    return { store, image: await importImage(store, source) };
  } finally {
    await source.close();
  }
}

/** The root itself is in no layer here: each tool gives it a mode and times of its own. */
function expectSame(image: Image, name: string): void {
  const isRoot = (line: string): boolean => line.startsWith('. ');
  const seen = treeOfImage(image, `${folder}/${name}.mount`);
  expect(
    differences(
      wanted.filter((line) => !isRoot(line)),
      seen.filter((line) => !isRoot(line)),
    ),
  ).toEqual([]);
}

describe('the same image in every form that tools save it in', () => {
  test('an OCI layout of skopeo', async () => {
    tool('skopeo', 'copy', '-q', engine.name('localhost/app:1'), `oci:${folder}/layout:v1`);
    const { image } = await imported(`oci:${folder}/layout:v1`, 'oci');
    expectSame(image, 'oci');
    const index = JSON.parse(readFileSync(`${folder}/layout/index.json`, 'utf8')) as {
      manifests: { digest: string }[];
    };
    expect(image.digest).toBe(index.manifests[0]!.digest);
    expect(image.config).toMatchObject({ command: ['/bin/tool'], labels: { test: 'yes' } });
    expect(image.layers.map(({ keeper }) => keeper)).toEqual(['store', 'store']);
    expect(image.references).toEqual([]);
  });

  test.each(['oci-archive', 'docker-archive', 'oci-dir'])('podman save --format %s', async (format) => {
    const path = `${folder}/${format}`;
    engine.podman('save', '-q', '--format', format, '-o', path, 'localhost/app:1');
    const { image } = await imported(path, `podman-${format}`);
    expectSame(image, `podman-${format}`);
    if (format !== 'oci-dir') expect(image.references).toEqual(['localhost/app:1']);
  });

  test('an archive that was compressed as a whole', async () => {
    engine.podman('save', '-q', '--format', 'docker-archive', '-o', `${folder}/plain.tar`, 'localhost/app:1');
    tool('gzip', '-k', `${folder}/plain.tar`);
    const { image, store } = await imported(`docker-archive:${folder}/plain.tar.gz`, 'compressed');
    expectSame(image, 'compressed');
    expect(store.garbage()).toMatchObject({ images: [], blobs: [], layers: [], bytes: 0 });
  });

  test('several images in one archive are told apart by name', async () => {
    const path = `${folder}/two.tar`;
    engine.podman('save', '-q', '-m', '--format', 'docker-archive', '-o', path, 'localhost/base:1', 'localhost/app:1');
    await expect(imported(path, 'two')).rejects.toMatchObject({ code: 'ambiguous-image' });
    const { image } = await imported(`docker-archive:${path}:localhost/app:1`, 'two');
    expectSame(image, 'two');
    await expect(imported(`docker-archive:${path}:other`, 'two')).rejects.toMatchObject({
      code: 'no-image',
      hint: expect.stringContaining('localhost/base:1'),
    });
  });

  test("out of podman's own store, copied", async () => {
    const { image } = await imported(engine.name('localhost/app:1'), 'copied');
    expectSame(image, 'copied');
    expect(image.id).toBe(
      `sha256:${engine.podman('images', '-q', '--no-trunc', 'localhost/app:1').replace('sha256:', '')}`,
    );
  });

  test("out of podman's own store, in place", async () => {
    const store = Store.open(`${folder}/in-place`);
    const place = { driver: null, root: engine.root, runRoot: engine.run };
    const found = await ContainersStorage.open({ uid: 0, environment: {} }, place).image('app:1');
    const image = await importInPlace(store, found);
    expect(image.layers.map(({ keeper }) => keeper)).toEqual(['containers-storage', 'containers-storage']);
    expect(image.layers.every((layer) => layer.folder.startsWith(engine.root))).toBe(true);
    expect(image.references).toEqual(['localhost/app:1']);
    expectSame(image, 'in-place');
  });
});
