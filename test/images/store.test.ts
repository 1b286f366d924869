// SPDX-License-Identifier: MIT
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { importImage, type ImportOptions } from '../../src/main/images/import';
import { parseReference } from '../../src/main/images/references';
import type { ImageSource } from '../../src/main/images/source';
import { openSource } from '../../src/main/images/sources/open-source';
import { checkStore } from '../../src/main/images/store/check';
import { Store } from '../../src/main/images/store/store';
import { mount, MS_RDONLY, unmount } from '../../src/main/system/mount';
import { farAway, type Asked } from '../support/far-source';
import { buildProgram, start } from '../support/program';
import { makeScratch, removeScratch } from '../support/scratch';
import { ContainerStore, tool } from '../support/container-store';
import { buildImages } from '../support/small-images';

let folder = '';
let layout = '';
let program = '';
let at = '';
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  folder = makeScratch('disk');
  const engine = new ContainerStore(`${folder}/engine`);
  buildImages(engine);
  layout = `${folder}/layout`;
  for (const name of ['base', 'app'])
    tool('skopeo', 'copy', '-q', engine.name(`localhost/${name}:1`), `oci:${layout}:${name}`);
  engine.remove();
  program = await buildProgram('import-program');
});

afterAll(() => removeScratch(folder));

beforeEach(() => {
  at = `${folder}/store`;
});
afterEach(() => rmSync(at, { recursive: true, force: true }));

async function open(store: Store, reference: string): Promise<ImageSource> {
  const registry = (): never => {
    throw new Error('no registry in this test');
  };
  return openSource(parseReference(reference), { store, registry, signal });
}

const bring = async (store: Store, tag: string, options: ImportOptions = {}) =>
  importImage(store, await open(store, `oci:${layout}:${tag}`), { names: [`localhost/${tag}:1`], ...options });

const clean = { defects: [] };
const check = (store: Store) => checkStore(store, signal);
const layersIn = (store: string): string[] =>
  existsSync(`${store}/layers/real`) ? readdirSync(`${store}/layers/real`) : [];

describe('two processes', () => {
  test('importing the same image at once fetch each blob once, and both have it', async () => {
    const runs = [1, 2].map(() => start(program, [at, `oci:${layout}:app`, '3']));
    const results = (await Promise.all(runs.map(({ ended }) => ended))).map((text) => JSON.parse(text!) as Asked);
    const opens = results.flatMap((result) => result.opens);
    expect(opens.length).toBe(2);
    expect(new Set(opens).size).toBe(2);
    const store = Store.open(at);
    expect(store.images()).toHaveLength(1);
    expect(await check(store)).toMatchObject({ ...clean, layers: 2, images: 1 });
    expect(store.garbage().bytes).toBe(0);
  });

  test('nothing is collected while another imports', async () => {
    const { child, ended } = start(program, [at, `oci:${layout}:app`, '1000']);
    while (!existsSync(`${at}/partial`) || readdirSync(`${at}/partial`).length === 0) await sleep(10);
    const store = Store.open(at);
    await expect(store.collect(store.garbage())).rejects.toMatchObject({ code: 'EBUSY' });
    expect(readdirSync(`${at}/temporary`).length).toBeGreaterThan(0);
    child.kill('SIGKILL');
    expect(await ended).toBeNull();
  });
});

test('an import killed at any moment leaves a store that is whole, and goes on where it was', async () => {
  const rounds = Number(process.env['LAMINA_KILL_ROUNDS'] ?? 8);
  const PAUSE = '10';
  // Moments of an import as long as it takes on this machine.
  const began = performance.now();
  expect(await start(program, [at, `oci:${layout}:app`, PAUSE]).ended).not.toBeNull();
  const whole = performance.now() - began;
  let kills = 0;
  for (let round = 0; round < rounds; round++) {
    rmSync(at, { recursive: true, force: true });
    const { child, ended } = start(program, [at, `oci:${layout}:app`, PAUSE]);
    await sleep(whole * (0.25 + Math.random() * 0.7));
    child.kill('SIGKILL');
    if ((await ended) === null) kills++;
    const partials = existsSync(`${at}/partial`)
      ? readdirSync(`${at}/partial`).filter((name) => statSync(`${at}/partial/${name}`).size > 0)
      : [];
    const store = Store.open(at);
    expect(readdirSync(`${at}/temporary`)).toEqual([]);
    const seen = await check(store);
    expect(seen.defects).toEqual([]);
    const asked: Asked = { opens: [], bytes: 0 };
    await importImage(store, farAway(await open(store, `oci:${layout}:app`), 0, asked), { names: ['localhost/app:1'] });
    // What was there of a blob was not asked for again.
    for (const name of partials)
      expect(
        asked.opens.some((text) => text.startsWith(`sha256:${name}@`) && !text.endsWith('@0')) ||
          asked.opens.every((text) => !text.includes(name)),
      ).toBe(true);
    expect(await check(store)).toMatchObject({ ...clean, layers: 2, images: 1 });
    expect(readdirSync(`${at}/partial`)).toEqual([]);
  }
  expect(kills).toBeGreaterThan(rounds / 3);
});

describe('an import that is cancelled', () => {
  test('leaves partial blobs that the next one goes on with, and nothing else', async () => {
    const store = Store.open(at);
    const abort = new AbortController();
    const first: Asked = { opens: [], bytes: 0 };
    const source = farAway(await open(store, `oci:${layout}:app`), 20, first);
    const onProgress = ({ bytes }: { bytes: number }): void => {
      if (bytes > 40_000) abort.abort(new Error('enough'));
    };
    await expect(importImage(store, source, { signal: abort.signal, onProgress })).rejects.toThrow('enough');
    expect(store.images()).toEqual([]);
    expect(readdirSync(`${at}/temporary`)).toEqual([]);
    const { partials } = store.garbage();
    expect(partials.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(0);
    const second: Asked = { opens: [], bytes: 0 };
    await importImage(store, farAway(await open(store, `oci:${layout}:app`), 0, second));
    const all = store.images()[0]!.layers.reduce((sum, { blobBytes }) => sum + blobBytes, 0);
    expect(second.bytes).toBeLessThan(all);
    expect(await check(store)).toMatchObject(clean);
  });

  test('a partial blob that was damaged is fetched anew', async () => {
    const store = Store.open(at);
    const source = await open(store, `oci:${layout}:app`);
    const [digest = ''] = readdirSync(`${layout}/blobs/sha256`).filter((hex) => {
      const { layers } = JSON.parse(manifestOf('app')) as { layers: { digest: string }[] };
      return layers[0]!.digest === `sha256:${hex}`;
    });
    writeFileSync(`${at}/partial/${digest}`, 'not the start of it');
    const asked: Asked = { opens: [], bytes: 0 };
    await importImage(store, farAway(source, 0, asked));
    expect(asked.opens.filter((text) => text.includes(digest)).length).toBeGreaterThan(1);
    expect(asked.opens).toContain(`sha256:${digest}@0`);
    expect(await check(store)).toMatchObject(clean);
  });
});

/** The manifest of an image of the layout. */
function manifestOf(tag: string): string {
  const index = JSON.parse(readFileSync(`${layout}/index.json`, 'utf8')) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  const { digest } = index.manifests.find(
    ({ annotations }) => annotations['org.opencontainers.image.ref.name'] === tag,
  )!;
  return readFileSync(`${layout}/blobs/${digest.replace(':', '/')}`, 'utf8');
}

describe('what is wrong stops the import, with both values named', () => {
  let bad = '';
  const blobOf = (digest: string): string => `${bad}/blobs/${digest.replace(':', '/')}`;
  type Manifest = { config: { digest: string; size: number }; layers: { digest: string; size: number }[] };
  const manifest = (): Manifest => JSON.parse(manifestOf('app')) as Manifest;

  beforeEach(() => {
    bad = `${folder}/bad`;
    tool('cp', '-a', layout, bad);
  });
  afterEach(() => rmSync(bad, { recursive: true, force: true }));

  async function refused(): Promise<{ code: string; message: string }> {
    const store = Store.open(at);
    const error: unknown = await open(store, `oci:${bad}:app`)
      .then((source) => importImage(store, source))
      .catch((it: unknown) => it);
    expect(error).toMatchObject({ name: 'Failure', hint: expect.stringMatching(/\w/) });
    expect(store.images()).toEqual([]);
    expect(readdirSync(`${at}/temporary`)).toEqual([]);
    expect(await check(store)).toMatchObject({ ...clean, images: 0 });
    return error as { code: string; message: string };
  }

  test('a flipped byte in a layer', async () => {
    const { digest } = manifest().layers[1]!;
    const bytes = readFileSync(blobOf(digest));
    bytes[bytes.length >> 1]! ^= 0xff;
    writeFileSync(blobOf(digest), bytes);
    const { code, message } = await refused();
    expect(code).toBe('wrong-digest');
    expect(message).toContain(digest);
    expect(message.match(/sha256:[a-f0-9]{64}/g)).toHaveLength(2);
  });

  test('another layer in its place', async () => {
    const [first, second] = manifest().layers;
    writeFileSync(blobOf(second!.digest), readFileSync(blobOf(first!.digest)));
    expect(['wrong-digest', 'wrong-size']).toContain((await refused()).code);
  });

  test('a layer that ends early, and one with something behind it', async () => {
    const { digest, size } = manifest().layers[0]!;
    truncateSync(blobOf(digest), size - 10);
    let { code, message } = await refused();
    expect(code).toBe('wrong-size');
    expect(message).toContain(`${size - 10} bytes`);
    expect(message).toContain(String(size));
    writeFileSync(
      blobOf(digest),
      Buffer.concat([readFileSync(`${layout}/blobs/${digest.replace(':', '/')}`), Buffer.from('more')]),
    );
    ({ code, message } = await refused());
    expect(code).toBe('wrong-size');
  });

  test('a layer that is missing', async () => {
    rmSync(blobOf(manifest().layers[0]!.digest));
    expect((await refused()).code).toBe('missing-blob');
  });

  test('a configuration that is another', async () => {
    const { digest, size } = manifest().config;
    writeFileSync(blobOf(digest), 'x'.repeat(size));
    expect((await refused()).code).toBe('wrong-digest');
  });

  test('diff ids that are those of other layers', async () => {
    const { config, layers } = manifest();
    const document = JSON.parse(readFileSync(blobOf(config.digest), 'utf8')) as { rootfs: { diff_ids: string[] } };
    document.rootfs.diff_ids.reverse();
    const text = JSON.stringify(document);
    const put = (bytes: string): { digest: string; size: number } => {
      const hex = tool('sh', '-c', 'printf %s "$1" | sha256sum', 'sh', bytes).slice(0, 64);
      writeFileSync(`${bad}/blobs/sha256/${hex}`, bytes);
      return { digest: `sha256:${hex}`, size: Buffer.byteLength(bytes) };
    };
    const changed = { ...(JSON.parse(manifestOf('app')) as object), config: { ...config, ...put(text) }, layers };
    const entry = { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...put(JSON.stringify(changed)) };
    writeFileSync(
      `${bad}/index.json`,
      JSON.stringify({
        schemaVersion: 2,
        manifests: [{ ...entry, annotations: { 'org.opencontainers.image.ref.name': 'app' } }],
      }),
    );
    const { code, message } = await refused();
    expect(code).toBe('wrong-diff-id');
    expect(message.match(/sha256:[a-f0-9]{64}/g)).toHaveLength(3);
  });
});

describe('garbage', () => {
  test('what goes is what was told, and an image that keeps its name keeps its layers', async () => {
    const store = Store.open(at);
    await bring(store, 'base');
    const app = await bring(store, 'app');
    expect(app.sharedBytes).toBeGreaterThan(0);
    expect(app.layers.map(({ sharedBy }) => sharedBy)).toEqual([2, 1]);
    expect(store.garbage()).toMatchObject({ images: [], layers: [], blobs: [], partials: [], bytes: 0 });
    await store.remove('app:1');
    expect(store.images()).toHaveLength(2);
    const plan = store.garbage();
    expect(plan.images).toEqual([app.digest]);
    expect(plan.layers).toHaveLength(1);
    const before = files(at);
    await store.collect(plan);
    const gone = before.filter((path) => !existsSync(`${at}/${path}`));
    const told = [
      ...plan.images.map((digest) => `images/${digest.slice(7)}.json`),
      ...plan.blobs.map(({ digest }) => `blobs/${digest.replace(':', '/')}`),
    ];
    const ofLayers = (path: string): boolean =>
      plan.layers.some((layer) => `${at}/${path}/`.startsWith(`${layer.path}/`));
    expect(gone.filter((path) => !ofLayers(path) && !path.startsWith('locks/')).sort()).toEqual(told.sort());
    expect(gone.some(ofLayers)).toBe(true);
    expect(plan.layers.every(({ path }) => !existsSync(path))).toBe(true);
    expect(await check(store)).toMatchObject({ ...clean, images: 1, layers: 1 });
    expect(store.image('base:1').layers).toHaveLength(1);
  });

  test('a plan that is no longer true is refused', async () => {
    const store = Store.open(at);
    await bring(store, 'app');
    await store.remove('app:1');
    const plan = store.garbage();
    await bring(store, 'base');
    await expect(store.collect(plan)).rejects.toMatchObject({ code: 'stale-plan' });
    expect(layersIn(at)).toHaveLength(2);
    expect(store.garbage().layers).toHaveLength(1);
  });

  test('a layer that something stands on stays, and is told', async () => {
    const uses = [{ folder: '', by: 'Composition “Mine”' }];
    const store = Store.open(at, { inUse: () => uses });
    const { layers } = await bring(store, 'app');
    uses[0]!.folder = layers[1]!.folder;
    await store.remove('app:1');
    mkdirSync(`${folder}/m`, { recursive: true });
    mkdirSync(`${folder}/empty`, { recursive: true });
    mount('overlay', `${folder}/m`, 'overlay', MS_RDONLY, `lowerdir=${layers[0]!.folder}:${folder}/empty`);
    try {
      const plan = store.garbage();
      expect(plan.layers).toEqual([]);
      expect(plan.inUse).toEqual(
        expect.arrayContaining([
          { folder: layers[0]!.folder, by: `${folder}/m` },
          { folder: layers[1]!.folder, by: 'Composition “Mine”' },
        ]),
      );
      await store.collect(plan);
      expect(layers.every((layer) => existsSync(layer.folder))).toBe(true);
    } finally {
      unmount(`${folder}/m`, false);
    }
    uses.length = 0;
    await store.collect(store.garbage());
    expect(layersIn(at)).toEqual([]);
  });
});

/** All paths below a folder. */
const files = (top: string): string[] => readdirSync(top, { recursive: true, encoding: 'utf8' });

describe('names', () => {
  test('move, and an image that has lost its last one is still there until it is collected', async () => {
    const store = Store.open(at);
    const base = await bring(store, 'base');
    await store.tag('base:1', 'localhost/app:1');
    expect(store.image('localhost/app:1').digest).toBe(base.digest);
    const app = await bring(store, 'app');
    expect(store.image('localhost/app:1').digest).toBe(app.digest);
    expect(store.image(base.id.slice(7, 19)).references).toEqual(['localhost/base:1']);
    await store.untag('localhost/base:1');
    expect(store.image(base.digest).references).toEqual([]);
    await expect(store.untag('localhost/base:1')).rejects.toMatchObject({ code: 'no-image' });
    await store.tag(app.id, 'quay.io/x/app:1');
    expect(store.image('app:1').references).toEqual(['localhost/app:1', 'quay.io/x/app:1']);
    await bring(store, 'base', { names: ['quay.io/y/app:1'] });
    expect(() => store.image('app:1')).toThrow(expect.objectContaining({ code: 'ambiguous-image' }));
    expect(() => store.image('nothing')).toThrow(expect.objectContaining({ code: 'no-image' }));
  });

  test('an image that came without a name stays', async () => {
    const store = Store.open(at);
    const { digest } = await bring(store, 'app', { names: [] });
    expect(store.garbage().bytes).toBe(0);
    await store.remove(digest);
    expect(store.garbage().images).toEqual([digest]);
  });
});

describe('check names each defect', () => {
  async function defects(harm: (store: Store) => void): Promise<{ kind: string; message: string; cure: string }[]> {
    const store = Store.open(at);
    await bring(store, 'app', { keepBlobs: 'all' });
    expect((await check(store)).defects).toEqual([]);
    harm(store);
    const { defects: found } = await check(store);
    expect(found.every(({ cure }) => /\w/.test(cure))).toBe(true);
    return [...found];
  }
  const lower = (store: Store): string => store.image('app:1').layers[0]!.folder;

  test.each<[string, string, RegExp, (store: Store) => void]>([
    [
      'a changed blob',
      'wrong-blob',
      /digest sha256:/,
      (s) => appendFileSync(`${at}/blobs/sha256/${s.image('app:1').layers[0]!.digest!.slice(7)}`, 'x'),
    ],
    [
      'a missing configuration',
      'missing-blob',
      /lacks its blob/,
      (s) => rmSync(`${at}/blobs/sha256/${s.image('app:1').id.slice(7)}`),
    ],
    ['a file that does not belong', 'unknown-file', /stray/, () => writeFileSync(`${at}/stray`, '')],
    [
      'a changed file of a layer',
      'wrong-layer',
      /passwd/,
      (s) => writeFileSync(`${lower(s)}/etc/passwd`, 'evil:x:0:0'),
    ],
    ['a missing file of a layer', 'wrong-layer', /lib.* is missing/, (s) => rmSync(`${lower(s)}/lib`)],
    [
      'an extra file in a layer',
      'wrong-layer',
      /new.* not in the layer/,
      (s) => writeFileSync(`${lower(s)}/etc/new`, ''),
    ],
    ['a mode', 'wrong-layer', /bin.*mode 755, not 4755/, (s) => chmodSync(`${lower(s)}/bin/tool`, 0o755)],
    ['a missing layer', 'missing-layer', /lacks its layer/, (s) => rmSync(dirname(lower(s)), { recursive: true })],
    ['a damaged record', 'wrong-layer', /no record/, (s) => writeFileSync(`${lower(s)}/../layer.json`, '{')],
    [
      'a lost record of an image',
      'wrong-name',
      /is not there/,
      (s) => renameSync(`${at}/images/${s.image('app:1').digest.slice(7)}.json`, `${at}/partial/x`),
    ],
    ['damaged names', 'wrong-name', /cannot be read/, () => writeFileSync(`${at}/references.json`, '[]')],
  ])('%s', async (_, kind, message, harm) => {
    const found = await defects(harm);
    expect(found).toContainEqual(expect.objectContaining({ kind, message: expect.stringMatching(message) }));
  });

  test('an import mends a layer whose record is gone', async () => {
    const store = Store.open(at);
    await bring(store, 'app');
    rmSync(`${lower(store)}/../layer.json`);
    expect((await check(store)).defects.length).toBeGreaterThan(0);
    await bring(store, 'app');
    expect(await check(store)).toMatchObject(clean);
  });
});

test('a full disk stops the import in words, and with room it goes on', async () => {
  mkdirSync(at);
  mount('tmpfs', at, 'tmpfs', 0, 'size=900k');
  try {
    const store = Store.open(at);
    await expect(bring(store, 'app')).rejects.toMatchObject({
      name: 'Failure',
      code: 'ENOSPC',
      hint: expect.stringContaining('room'),
    });
    expect(store.images()).toEqual([]);
    expect(readdirSync(`${at}/temporary`)).toEqual([]);
    expect(await check(store)).toMatchObject(clean);
    tool('mount', '-o', 'remount,size=20m', at);
    await bring(store, 'app');
    expect(await check(store)).toMatchObject({ ...clean, layers: 2, images: 1 });
  } finally {
    unmount(at, true);
  }
});

test('a store that may not be used says so, and the way out', () => {
  writeFileSync(`${folder}/no-folder`, '');
  expect(() => Store.open(`${folder}/no-folder/store`)).toThrow(
    expect.objectContaining({ name: 'Failure', code: 'ENOTDIR', message: expect.stringContaining('no-folder') }),
  );
});

test('a store of another version is left alone', () => {
  Store.open(at);
  writeFileSync(`${at}/lamina-store.json`, '{"version":7}');
  expect(() => Store.open(at)).toThrow(expect.objectContaining({ code: 'store-version' }));
});
