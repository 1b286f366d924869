// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importImage } from '../../src/main/images/import';
import { parseReference } from '../../src/main/images/references';
import { ContainersStorage } from '../../src/main/images/sources/containers-storage';
import { openFound } from '../../src/main/images/sources/found-source';
import { openSource } from '../../src/main/images/sources/open-source';
import { checkStore } from '../../src/main/images/store/check';
import { Store } from '../../src/main/images/store/store';
import { unmount } from '../../src/main/system/mount';
import { getXattrAt } from '../../src/main/system/xattr';
import { AT_FDCWD } from '../../src/main/system/libc';
import { closeFile, O_DIRECTORY, O_RDONLY, openAt } from '../../src/main/system/files';
import { buildProgram, start } from '../support/program';
import { makeScratch, removeScratch } from '../support/scratch';
import { ContainerStore, tool } from '../support/container-store';
import { buildImages } from '../support/small-images';

/** A user with subordinate ids, which useradd(8) gives to those who are no system accounts. */
const NAME = 'lamina-rootless';

let folder = '';
let program = '';
let user = { uid: 0, gid: 0, home: '' };
const signal = AbortSignal.timeout(120_000);

beforeAll(async () => {
  folder = makeScratch('disk');
  chmodSync(folder, 0o755);
  spawnSync('useradd', ['--create-home', NAME]);
  user = { uid: Number(tool('id', '-u', NAME)), gid: Number(tool('id', '-g', NAME)), home: `${folder}/home` };
  mkdirSync(user.home, { mode: 0o700 });
  chownSync(user.home, user.uid, user.gid);
  const engine = new ContainerStore(`${folder}/engine`);
  buildImages(engine);
  tool('skopeo', 'copy', '-q', engine.name('localhost/app:1'), `oci:${folder}/layout:app`);
  engine.remove();
  // The checkout may lie where only root may go.
  const built = await buildProgram('import-program');
  mkdirSync(`${folder}/checkout`);
  tool('mount', '--bind', resolve('.'), `${folder}/checkout`);
  program = built.replace(resolve('.'), `${folder}/checkout`);
});

afterAll(() => {
  unmount(`${folder}/checkout`, true);
  removeScratch(folder);
});

const LIST = 'cd "$1" && find . -mindepth 1 -printf "%P %y %m %U:%G %l\\n" | LC_ALL=C sort';
const layersOf = (store: Store): string =>
  [...store.images()[0]!.layers]
    .reverse()
    .map((layer) => layer.folder)
    .join(':');

test('an ordinary user gets layers with recorded owners, and podman’s tools would read them', async () => {
  const at = `${user.home}/recorded`;
  await start(program, [at, `oci:${folder}/layout:app`], user).ended;
  const store = Store.open(at);
  const { layers, digest } = store.images()[0]!;
  expect(store.record(digest).form).toBe('recorded');
  const [base] = layers;
  expect(lstatSync(`${base!.folder}/etc/group`)).toMatchObject({ uid: user.uid, gid: user.gid });
  const fd = openAt(AT_FDCWD, `${base!.folder}/etc`, O_RDONLY | O_DIRECTORY);
  expect(getXattrAt(fd, 'group', 'user.containers.override_stat')).toBe('3:4:0640:file');
  closeFile(fd);
  expect(await checkStore(store, signal)).toMatchObject({ defects: [], layers: 2 });
});

test('with subordinate ids the owners are true, and the kernel mounts what root’s import shows', async () => {
  const at = `${user.home}/mapped`;
  await start(program, [at, `oci:${folder}/layout:app`, '0', 'mapped'], user).ended;
  const store = Store.open(at);
  const { layers, digest } = store.images()[0]!;
  expect(store.record(digest).form).toBe('mapped');
  const [, start0] = new RegExp(`^${NAME}:(\\d+):`, 'm').exec(readFileSync('/etc/subuid', 'utf8'))!;
  expect(lstatSync(`${layers[0]!.folder}/etc/group`).uid).toBe(Number(start0) + 2);
  expect(await checkStore(store, signal)).toMatchObject({ defects: [], layers: 2 });

  const own = Store.open(`${folder}/root-store`);
  const registry = (): never => {
    throw new Error('no registry in this test');
  };
  const source = await openSource(parseReference(`oci:${folder}/layout:app`), { store: own, registry, signal });
  await importImage(own, source);
  const script = (options: string): string =>
    `mkdir -p "$1" && mount -t overlay overlay -o ${options}lowerdir="$2" "$1" && ${LIST}`;
  const wanted = tool('unshare', '--mount', 'sh', '-euc', script(''), 'sh', `${folder}/m`, layersOf(own));
  const { uid, gid, home } = user;
  const namespace = ['--user', '--map-auto', '--map-root-user', '--mount', 'sh', '-euc', script('userxattr,'), 'sh'];
  const seen = spawnSync('unshare', [...namespace, `${home}/m`, layersOf(store)], {
    uid,
    gid,
    encoding: 'utf8',
    cwd: '/',
  });
  expect(seen.stderr).toBe('');
  expect(seen.stdout.trim()).toBe(wanted);
});

test("a rootless podman's store is found and copied out of", async () => {
  const storage = `${user.home}/.local/share/containers/storage`;
  const run = `${user.home}/run`;
  const { uid, gid, home } = user;
  const environment = { PATH: process.env['PATH'], HOME: home, XDG_RUNTIME_DIR: run, STORAGE_DRIVER: 'overlay' };
  mkdirSync(run, { mode: 0o700 });
  chownSync(run, uid, gid);
  const words = ['copy', '-q', `oci:${folder}/layout:app`, 'containers-storage:localhost/mine:1'];
  const copied = spawnSync('buildah', ['unshare', 'skopeo', ...words], {
    uid,
    gid,
    cwd: '/',
    env: environment,
    encoding: 'utf8',
  });
  expect(copied).toMatchObject({ status: 0, stderr: '' });
  const found = await ContainersStorage.open({ uid, environment }).images();
  expect(found.map(({ references }) => references)).toEqual([['localhost/mine:1']]);
  expect(found[0]!.layers.every((layer) => layer.folder.startsWith(storage))).toBe(true);
  const store = Store.open(`${folder}/copied-store`);
  const image = await importImage(store, await openFound(found[0]!, signal));
  expect(image.references).toEqual(['localhost/mine:1']);
  expect(lstatSync(`${image.layers[0]!.folder}/etc/group`)).toMatchObject({ uid: 3, gid: 4 });
  expect(await checkStore(store, signal)).toMatchObject({ defects: [], layers: 2 });
});
