// SPDX-License-Identifier: MIT
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Image } from '@shared/images';
import { importImage } from '../../src/main/images/import';
import { importInPlace } from '../../src/main/images/import-in-place';
import { parseReference } from '../../src/main/images/references';
import { BoltBucket, openBolt } from '../../src/main/images/sources/bolt';
import { Containerd } from '../../src/main/images/sources/containerd';
import { ContainersStorage } from '../../src/main/images/sources/containers-storage';
import { DockerOverlay2 } from '../../src/main/images/sources/docker-overlay2';
import { foundAsImage } from '../../src/main/images/sources/found-image';
import { openFound } from '../../src/main/images/sources/found-source';
import { mountAsImage, mountedStacks } from '../../src/main/images/sources/mounted-stacks';
import { openSource } from '../../src/main/images/sources/open-source';
import { checkStore } from '../../src/main/images/store/check';
import { Store } from '../../src/main/images/store/store';
import { differences, listTree } from '../programs/list-tree.mjs';
import { treeOfImage } from '../support/mounted-image';
import { makeScratch, removeScratch } from '../support/scratch';
import { ContainerStore, tool } from '../support/container-store';
import { buildImages } from '../support/small-images';

let folder = '';
let engine: ContainerStore;
let wanted: string[] = [];
const daemons: ChildProcess[] = [];
const signal = AbortSignal.timeout(300_000);

beforeAll(() => {
  folder = makeScratch('disk');
  engine = new ContainerStore(`${folder}/engine`);
  buildImages(engine);
  wanted = engine.mounted('localhost/app:1', (root) => listTree(root) as string[]);
  for (const format of ['docker-archive', 'oci-archive'])
    engine.podman('save', '-q', '--format', format, '-o', `${folder}/${format}.tar`, 'localhost/app:1');
});

afterAll(async () => {
  for (const daemon of daemons.splice(0)) await stop(daemon);
  engine.remove();
  removeScratch(folder);
});

async function stop(daemon: ChildProcess): Promise<void> {
  const ended = new Promise((done) => daemon.on('exit', done));
  if (daemon.exitCode === null && daemon.kill('SIGTERM')) await ended;
}

/** Starts a daemon and waits until it answers. */
async function daemon(program: string, args: readonly string[], socket: string): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  daemons.push(child);
  let log = '';
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  for (let waited = 0; !existsSync(socket); waited += 100) {
    if (child.exitCode !== null || waited > 60_000) throw new Error(`${program} did not start: ${log}`);
    await sleep(100);
  }
  return child;
}

function expectSame(image: Image, name: string): void {
  const isRoot = (line: string): boolean => line.startsWith('. ');
  const seen = treeOfImage(image, `${folder}/${name}.mount`);
  expect(
    differences(
      wanted.filter((it) => !isRoot(it)),
      seen.filter((it) => !isRoot(it)),
    ),
  ).toEqual([]);
}

describe("podman's store", () => {
  const user = { uid: 0, environment: {} };

  test('is found through storage.conf, and lists its images in place', async () => {
    const etc = `${folder}/etc`;
    mkdirSync(`${etc}/containers`, { recursive: true });
    writeFileSync(
      `${etc}/containers/storage.conf`,
      `[storage]\ndriver = "overlay"\ngraphroot = "/nowhere"\nrunroot = "${engine.run}"\n` +
        `[storage.options]\nadditionalimagestores = ["${engine.root}"]\n`,
    );
    const found = await ContainersStorage.open({ ...user, etc, share: '/nowhere' }).images();
    expect(found.flatMap(({ references }) => references).sort()).toEqual(['localhost/app:1', 'localhost/base:1']);
    const image = foundAsImage(found.find(({ references }) => references.includes('localhost/app:1'))!);
    expect(image).toMatchObject({ config: { command: ['/bin/tool'] }, platform: { os: 'linux' } });
    expectSame(image, 'conf');
  });

  test('registered in place, its layers are checked where they are', async () => {
    const place = { driver: null, root: engine.root, runRoot: engine.run };
    const store = Store.open(`${folder}/podman-in-place`);
    const image = await importInPlace(store, await ContainersStorage.open(user, place).image('localhost/app:1'));
    expect(await checkStore(store, signal)).toMatchObject({ defects: [], layers: 2 });
    const victim = `${image.layers[1]!.folder}/opt/big`;
    const { atime, mtime } = statSync(victim);
    writeFileSync(victim, 'x'.repeat(299_999) + 'y');
    const { defects } = await checkStore(store, signal);
    writeFileSync(victim, 'x'.repeat(300_000));
    utimesSync(victim, atime, mtime);
    expect(defects).toEqual([
      expect.objectContaining({
        kind: 'wrong-layer',
        message: expect.stringContaining('opt/big'),
        cure: expect.stringContaining('containers-storage'),
      }),
    ]);
    await store.remove(image.digest);
    await store.collect(store.garbage());
    expect(existsSync(victim)).toBe(true);
  });

  test('a name that it has not is refused with those that it has', async () => {
    const place = { driver: null, root: engine.root, runRoot: engine.run };
    await expect(ContainersStorage.open(user, place).image('nothing')).rejects.toMatchObject({
      code: 'no-image',
      hint: expect.stringContaining('localhost/app:1'),
    });
  });
});

test('a mount of a running container is listed, and its layers make the same stack', async () => {
  const container = engine.buildah('from', '--pull-never', 'localhost/app:1');
  try {
    const at = engine.buildah('mount', container);
    const stack = mountedStacks().find(({ mountpoint }) => mountpoint === at)!;
    expect(stack.layers).toHaveLength(2);
    const image = mountAsImage(stack);
    expect(image.layers.map(({ keeper }) => keeper)).toEqual(['mount', 'mount', 'mount']);
    expectSame(image, 'running');
  } finally {
    engine.buildah('umount', container);
    engine.buildah('rm', container);
  }
});

describe('Docker', () => {
  let root = '';

  beforeAll(async () => {
    root = `${folder}/docker`;
    const run = `${folder}/docker-run`;
    mkdirSync(run);
    const socket = `${run}/docker.sock`;
    const child = await daemon(
      'dockerd',
      [
        ...['--data-root', root, '--exec-root', run, '--pidfile', `${run}/pid`, '-H', `unix://${socket}`],
        ...['--storage-driver', 'overlay2', '--iptables=false', '--ip6tables=false', '--bridge=none'],
      ],
      socket,
    );
    tool('/usr/bin/docker', '-H', `unix://${socket}`, 'load', '-i', `${folder}/docker-archive.tar`);
    tool('/usr/bin/docker', '-H', `unix://${socket}`, 'tag', 'localhost/app:1', 'second:2');
    tool('/usr/bin/docker', '-H', `unix://${socket}`, 'save', '-o', `${folder}/docker-saved.tar`, 'localhost/app:1');
    await stop(child);
  });

  test('its overlay2 folder is used in place', async () => {
    const [found, ...others] = await new DockerOverlay2(root).images();
    expect(others).toEqual([]);
    expect(found!.references).toEqual(['localhost/app:1', 'docker.io/library/second:2']);
    expectSame(foundAsImage(found!), 'docker');
    const store = Store.open(`${folder}/docker-in-place`);
    const image = await importInPlace(store, found!);
    expect(image.layers.map(({ keeper }) => keeper)).toEqual(['docker', 'docker']);
    expect(await checkStore(store, signal)).toMatchObject({ defects: [], layers: 2, images: 1 });
  });

  test('what docker save wrote is read', async () => {
    const store = Store.open(`${folder}/docker-saved`);
    const registry = (): never => {
      throw new Error('no registry in this test');
    };
    const reference = parseReference(`docker-archive:${folder}/docker-saved.tar`);
    const image = await importImage(store, await openSource(reference, { store, registry, signal }));
    expect(image.references).toEqual(['localhost/app:1']);
    expectSame(image, 'docker-saved');
  });

  test('an image is copied out of it, its tars made from its own records', async () => {
    const found = await new DockerOverlay2(root).image('second:2');
    const store = Store.open(`${folder}/docker-copied`);
    const image = await importImage(store, await openFound(found, signal));
    expectSame(image, 'docker-copied');
    expect(await checkStore(store, signal)).toMatchObject({ defects: [] });
  });
});

describe('containerd', () => {
  let root = '';

  beforeAll(async () => {
    root = `${folder}/containerd`;
    const socket = `${folder}/containerd.sock`;
    writeFileSync(
      `${folder}/containerd.toml`,
      `version = 2\nroot = "${root}"\nstate = "${folder}/containerd-state"\n` +
        `disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "${socket}"\n`,
    );
    const child = await daemon('containerd', ['-c', `${folder}/containerd.toml`], socket);
    tool('ctr', '-a', socket, '-n', 'lamina', 'image', 'import', `${folder}/oci-archive.tar`);
    // Many names make the database larger than a page, with branches.
    const labels = Array.from({ length: 120 }, (_, i) => `label-${i}=${'v'.repeat(100)}`);
    tool('ctr', '-a', socket, '-n', 'lamina', 'image', 'label', 'localhost/app:1', ...labels);
    await stop(child);
  });

  test('its overlayfs snapshots are used in place', async () => {
    const found = await new Containerd(root).images();
    expect(found.map(({ notation }) => notation)).toEqual(['containerd:lamina/localhost/app:1']);
    expectSame(foundAsImage(found[0]!), 'containerd');
    const store = Store.open(`${folder}/containerd-in-place`);
    const image = await importInPlace(store, found[0]!);
    expect(image.layers.map(({ keeper }) => keeper)).toEqual(['containerd', 'containerd']);
    expect(image.layers.every(({ digest }) => digest !== null)).toBe(true);
    expect(await checkStore(store, signal)).toMatchObject({ defects: [], images: 1 });
  });

  test('an image is copied out of the blobs that it keeps', async () => {
    const store = Store.open(`${folder}/containerd-copied`);
    const image = await importImage(store, await new Containerd(root).source('localhost/app:1'));
    expect(image.references).toEqual(['localhost/app:1']);
    expectSame(image, 'containerd-copied');
    await expect(new Containerd(root).source('other')).rejects.toMatchObject({
      code: 'no-image',
      hint: expect.stringContaining('lamina/localhost/app:1'),
    });
  });

  test('the reader of its databases finds every key, and takes no damaged file', () => {
    const path = `${root}/io.containerd.metadata.v1.bolt/meta.db`;
    const labels = openBolt(path)
      .bucket('v1')!
      .bucket('lamina')!
      .bucket('images')!
      .bucket('localhost/app:1')!
      .bucket('labels')!;
    const keys = [...labels.entries()].map(([key]) => key);
    expect(keys.filter((key) => key.startsWith('label-'))).toHaveLength(120);
    expect(labels.value('label-77')!.toString()).toBe('v'.repeat(100));
    expect(keys).toEqual([...keys].sort());
    const bytes = readFileSync(path);
    const damaged = `${folder}/damaged.db`;
    const walk = (bucket: BoltBucket): void => {
      for (const [, value] of bucket.entries()) if (value instanceof BoltBucket) walk(value);
    };
    for (let i = 0; i < 300; i++) {
      const copy = Buffer.from(bytes);
      for (let flips = 0; flips < 8; flips++)
        copy[Math.floor(Math.random() * copy.length)]! ^= 1 << Math.floor(Math.random() * 8);
      writeFileSync(damaged, i % 10 === 0 ? copy.subarray(0, Math.floor(Math.random() * copy.length)) : copy);
      try {
        walk(openBolt(damaged));
      } catch (error) {
        expect(error).toMatchObject({ name: 'Failure', code: 'bad-database' });
      }
    }
    rmSync(damaged);
  });
});
