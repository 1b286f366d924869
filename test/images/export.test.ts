// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BuiltImage } from '../../src/main/images/commit/built-image';
import { DockerArchive } from '../../src/main/images/destinations/docker-archive';
import { OciArchive } from '../../src/main/images/destinations/oci-archive';
import { OciFolder } from '../../src/main/images/destinations/oci-folder';
import { exportImage } from '../../src/main/images/export';
import { parseImageName } from '../../src/main/images/image-name';
import { importInPlace } from '../../src/main/images/import-in-place';
import { readyToLeave } from '../../src/main/images/repack';
import type { Descriptor, ImageDestination, ImageSource } from '../../src/main/images/source';
import { Store } from '../../src/main/images/store/store';
import { StoredImage } from '../../src/main/images/stored-image';
import { commitRange, commitStack, NEVER, send } from '../support/committed';
import { buildStack, withKernelMount, type BuiltStack } from '../support/kernel';
import { Peers } from '../support/peers';
import { makeScratch, removeScratch } from '../support/scratch';
import { seenTree } from '../support/seen-tree';
import { dir, file, whiteout } from '../support/tree';
import { firstDifferences } from '../support/view';

/* Images in every form that Lamina writes, read by skopeo; and what is left of an export that fails. */

let at = '';
let built: BuiltStack;
let peers: Peers;
let image: BuiltImage;

const EDITS = {
  entrypoint: ['/bin/sh', '-c'],
  command: ['echo "$A"'],
  environment: ['A=b c', 'PATH=/bin'],
  labels: ['org.example=é'],
  user: '1000:5',
  workingDirectory: '/srv',
  author: 'Somebody',
};

beforeEach(async () => {
  at = makeScratch('disk');
  mkdirSync(join(at, 's'));
  built = buildStack(join(at, 's'), {
    upper: dir({ upper: file('u'.repeat(100_000)) }),
    lowers: [dir({ lower: file('l\n') })],
    data: [],
  });
  peers = new Peers(join(at, 'peers'));
  image = await commitStack(built, { edits: EDITS });
});
afterEach(() => removeScratch(at));

const NAME = parseImageName('example.org/made/here:1');
const FORMS: readonly (readonly [string, () => Promise<ImageDestination>, () => string])[] = [
  ['oci', () => OciFolder.open(join(at, 'out'), 'a'), () => `oci:${at}/out:a`],
  ['oci-archive', () => OciArchive.make(join(at, 'out'), 'a'), () => `oci-archive:${at}/out:a`],
  ['docker-archive', () => DockerArchive.make(join(at, 'out'), [NAME]), () => `docker-archive:${at}/out`],
];

interface Configuration {
  readonly created: string;
  readonly author: string;
  readonly config: Record<string, unknown>;
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history: readonly Record<string, unknown>[];
}
const inspect = (source: string): Configuration =>
  JSON.parse(peers.skopeo('inspect', '--config', source)) as Configuration;

describe.each(FORMS)('%s', (form, open, notation) => {
  test('is read by skopeo with the same configuration', async () => {
    await send(image, await open());
    const { created, author, config, rootfs, history } = inspect(notation());
    expect({ created, author, config }).toEqual({
      created: '2020-01-02T03:04:05Z',
      author: 'Somebody',
      config: {
        Entrypoint: ['/bin/sh', '-c'],
        Cmd: ['echo "$A"'],
        Env: ['A=b c', 'PATH=/bin'],
        Labels: { 'org.example': 'é' },
        User: '1000:5',
        WorkingDir: '/srv',
      },
    });
    expect(rootfs.diff_ids).toHaveLength(2);
    expect(history.map(({ created_by }) => created_by)).toEqual(['layers 1 to 1', 'layers 0 to 0']);
    // Skopeo checks every digest on its way.
    peers.skopeo('copy', '--quiet', notation(), `oci:${at}/again:b`);
    expect(inspect(`oci:${at}/again:b`)).toEqual(inspect(notation()));
  });

  test('is not there when a blob fails or the export is cancelled', async () => {
    const before = readdirSync(at);
    const broken = { ...proxy(image), open: () => Promise.reject(new Error('the disk is gone')) };
    await expect(sendFrom(broken, await open())).rejects.toThrow('the disk is gone');
    const wrong = { ...proxy(image), open: () => Promise.resolve(bytes('something else')) };
    await expect(sendFrom(wrong, await open())).rejects.toThrow(/has (14 bytes|the digest)/);
    const stop = new AbortController();
    const slow = {
      ...proxy(image),
      async open(descriptor: Descriptor, offset: number, signal: AbortSignal) {
        const chunks = await image.open(descriptor, offset, signal);
        stop.abort();
        return chunks;
      },
    };
    await expect(sendFrom(slow, await open(), stop.signal)).rejects.toThrow(/abort/i);
    expect(everything(at, before)).toEqual(form === 'oci' ? ['out/oci-layout'] : []);
    // And then it can be had after all.
    await send(image, await open());
    inspect(notation());
  });
});

describe('an OCI layout', () => {
  test('takes a second image beside the first, shares its blobs, and gives a tag to the newer one', async () => {
    await send(image, await OciFolder.open(join(at, 'out'), 'a'));
    const blobs = readdirSync(join(at, 'out/blobs/sha256')).length;
    const other = await commitStack(built, { edits: { user: 'root' } });
    await send(other, await OciFolder.open(join(at, 'out'), 'b'));
    expect(readdirSync(join(at, 'out/blobs/sha256')).length).toBe(blobs + 2);
    await send(other, await OciFolder.open(join(at, 'out'), 'a'));
    await send(other, await OciFolder.open(join(at, 'out'), null));
    await send(other, await OciFolder.open(join(at, 'out'), null));
    const { manifests } = JSON.parse(readFileSync(join(at, 'out/index.json'), 'utf8')) as { manifests: Descriptor[] };
    expect(manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'])).toEqual([
      'b',
      'a',
      undefined,
    ]);
    expect(inspect(`oci:${at}/out:a`).config).toEqual({ User: 'root' });
    expect(tagsOf(join(at, 'out'))).toEqual(['a', 'b']);
  });

  test('keeps both of two images that are added at the same time', async () => {
    const tags = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(tags.map(async (tag) => send(image, await OciFolder.open(join(at, 'out'), tag))));
    expect(tagsOf(join(at, 'out'))).toEqual(tags);
  });

  test('of skopeo and umoci is gone on with', async () => {
    await send(image, await OciFolder.open(join(at, 'ours'), 'a'));
    peers.skopeo('copy', '--quiet', `oci:${at}/ours:a`, `oci:${at}/out:theirs`);
    peers.run('umoci', 'tag', '--image', `${at}/out:theirs`, 'too');
    await send(await commitRange(built, [0, 0]), await OciFolder.open(join(at, 'out'), 'ours'));
    expect(tagsOf(join(at, 'out'))).toEqual(['ours', 'theirs', 'too']);
    peers.run('umoci', 'gc', '--layout', join(at, 'out'));
    for (const tag of ['ours', 'theirs', 'too']) inspect(`oci:${at}/out:${tag}`);
  });

  test('is not made of a folder with other things in it', async () => {
    mkdirSync(join(at, 'out'));
    writeFileSync(join(at, 'out/mine'), '');
    await expect(OciFolder.open(join(at, 'out'), 'a')).rejects.toThrow('is no OCI layout, and not empty');
    expect(readdirSync(join(at, 'out'))).toEqual(['mine']);
  });
});

test.each(FORMS.slice(1))('%s is not written over a file', async (_, open) => {
  writeFileSync(join(at, 'out'), 'mine');
  await expect(open()).rejects.toThrow('is there already (EEXIST)');
  expect(readFileSync(join(at, 'out'), 'utf8')).toBe('mine');
});

test('the same bytes go into an archive each time', async () => {
  for (const name of ['one', 'two']) {
    await send(image, await DockerArchive.make(join(at, `${name}.docker`), [NAME]));
    await send(image, await OciArchive.make(join(at, `${name}.oci`), 'a'));
  }
  expect(readFileSync(join(at, 'one.oci')).equals(readFileSync(join(at, 'two.oci')))).toBe(true);
  expect(readFileSync(join(at, 'one.docker')).equals(readFileSync(join(at, 'two.docker')))).toBe(true);
});

test('an image whose keeper has no record of its tars leaves as tars of its files', async () => {
  const lower = dir({
    etc: dir({ a: file('a\n'), b: file('b\n') }),
    gone: file('gone\n'),
    old: dir({ x: file('x\n') }),
  });
  const opaque = { 'trusted.overlay.opaque': 'y' };
  const found = buildStack(join(at, 'peers'), {
    upper: null,
    lowers: [
      dir({ etc: dir({ a: file('new\n') }), gone: whiteout(), old: dir({ y: file('y\n') }, { xattrs: opaque }) }),
      lower,
    ],
    data: [],
  });
  const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
  const config = {
    os: 'linux',
    architecture: 'amd64',
    config: { User: '1000' },
    rootfs: { type: 'layers', diff_ids: [digest('1'), digest('2')] },
  };
  const store = Store.open(join(at, 'store'));
  const kept = await importInPlace(
    store,
    {
      ...{ keeper: 'docker', notation: 'docker-storage', references: [], manifest: null },
      config: Buffer.from(JSON.stringify(config)),
      layers: found.lowers
        .map(({ path }, i) => ({
          diffId: digest(String(2 - i)),
          blob: null,
          tarBytes: null,
          folder: path,
          tarSplit: null,
        }))
        .reverse(),
    },
    ['example.org/found:1'],
  );
  const notes: string[] = [];
  const ready = await readyToLeave(store, new StoredImage(store, kept), {
    note: (text) => notes.push(text),
    signal: NEVER,
  });
  const destination = await OciFolder.open(join(at, 'out'), 'a');
  await exportImage(ready.source, ready.manifest, destination, { signal: NEVER, onProgress: () => {} });
  await ready.close();
  expect(notes.map((note) => note.slice(0, 24))).toEqual([
    'Layer 1 (sha256:11111111',
    'Layer 2 (sha256:22222222',
    'The image leaves as sha2',
  ]);
  expect(inspect(`oci:${at}/out:a`).config).toEqual({ User: '1000' });
  const shown = withKernelMount(found, [], seenTree) as string[];
  expect(firstDifferences(shown, peers.withUmoci(join(at, 'out'), 'a', seenTree))).toEqual([]);
  expect(readdirSync(join(at, 'store/temporary'))).toEqual([]);
});

const tagsOf = (layout: string): string[] => peers.run('umoci', 'ls', '--layout', layout).trim().split('\n').sort();

const proxy = (source: BuiltImage): ImageSource => ({
  notation: 'a source',
  references: [],
  root: () => source.root(),
  read: (descriptor, signal) => source.read(descriptor, signal),
  open: (descriptor, offset, signal) => source.open(descriptor, offset, signal),
  close: () => Promise.resolve(),
});

async function sendFrom(source: ImageSource, to: ImageDestination, signal = NEVER): Promise<void> {
  try {
    await exportImage(source, image.manifest, to, { signal, onProgress: () => {} });
  } finally {
    await to.close();
  }
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  await Promise.resolve();
}

/** All files below a folder but those that were there. */
const everything = (folder: string, before: readonly string[]): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !before.includes(name.split('/')[0]!));
