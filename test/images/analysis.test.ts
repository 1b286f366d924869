// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Analysis } from '@shared/analysis';
import { bytesOf } from '@shared/bytes';
import { analyze } from '../../src/main/images/analysis/analyze';
import { setXattr } from '../../src/main/system/xattr';
import { ContainerStore } from '../support/container-store';
import { makeScratch, removeScratch } from '../support/scratch';

let scratch: string;
beforeEach(() => void (scratch = makeScratch('disk')));
afterEach(() => removeScratch(scratch));

const never = new AbortController().signal;
const at = (...names: string[]): string => join(scratch, ...names);
const run = (...layers: string[]): Promise<Analysis> =>
  analyze(
    layers.map((layer) => bytesOf(layer)),
    never,
  );

/** A file of `size` bytes, all of them `fill`. */
function put(path: string, size: number, fill = 'x'): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, fill.repeat(size));
}

/** Changes a tree through the kernel's overlay; the upper it leaves is a layer. */
function throughKernel(
  lowers: readonly string[],
  name: string,
  change: (merged: string) => void,
  options = '',
): string {
  for (const folder of ['', '/work', '/merged', '/layer']) mkdirSync(at(name) + folder);
  const lowerdir = [...lowers].reverse().join(':');
  const text = `lowerdir=${lowerdir},upperdir=${at(name, 'layer')},workdir=${at(name, 'work')}${options}`;
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', text, at(name, 'merged')]);
  try {
    change(at(name, 'merged'));
  } finally {
    execFileSync('umount', [at(name, 'merged')]);
  }
  return at(name, 'layer');
}

it('counts what a layer of the kernel hides: overwritten, deleted, copied for its metadata', async () => {
  put(at('base/etc/conf'), 2000);
  put(at('base/etc/mode'), 3000, 'm');
  put(at('base/opt/tool/a'), 4000, 'a');
  put(at('base/opt/tool/b'), 5000, 'b');
  put(at('base/usr/keep'), 7000, 'k');
  const top = throughKernel([at('base')], 'top', (merged) => {
    put(join(merged, 'etc/conf'), 2500);
    chmodSync(join(merged, 'etc/mode'), 0o600);
    rmSync(join(merged, 'opt/tool'), { recursive: true });
    put(join(merged, 'srv/new'), 100, 'n');
  });
  const { layers, storedBytes, visibleBytes, hidden, efficiency, inefficient } = await run(at('base'), top);
  expect(layers[0]).toMatchObject({ addedBytes: 21_000, files: 5, directories: 4, hiddenBytes: 14_000 });
  expect(layers[1]).toMatchObject({
    addedBytes: 5600,
    files: 3,
    whiteouts: 1,
    hiddenBytes: 0,
    hides: { overwritten: 2000, copied: 3000, deleted: 9000 },
  });
  expect([storedBytes, visibleBytes]).toEqual([26_600, 12_600]);
  expect(hidden.map(({ path, bytes, hidden: by }) => [path, bytes, by?.by, by?.how])).toEqual([
    ['/opt/tool/b', 5000, 1, 'deleted'],
    ['/opt/tool/a', 4000, 1, 'deleted'],
    ['/etc/mode', 3000, 1, 'copied'],
    ['/etc/conf', 2000, 1, 'overwritten'],
  ]);
  // By dive: conf 2000 of 4500, mode 3000 of 6000, a 4000, b 5000, keep 7000, the whiteout of tool 9000, new 100.
  expect(efficiency.score).toBe(
    (2000 + 3000 + 4000 + 5000 + 7000 + 9000 + 100) / (4500 + 6000 + 4000 + 5000 + 7000 + 9000 + 100),
  );
  expect(inefficient).toEqual([
    { path: '/etc/mode', count: 2, bytes: 6000 },
    { path: '/etc/conf', count: 2, bytes: 4500 },
  ]);
  expect(efficiency).toMatchObject({
    sizeBytes: 26_600,
    userBytes: 5600,
    wastedBytes: 10_500,
    userWastedPercent: 10_500 / 5600,
  });
});

it('has the numbers of dive on its own example: copied, moved, removed, with a whiteout a layer', async () => {
  // dive's test image, .data/Dockerfile.test-image, its base as one file; dive's test expects 32025 wasted bytes.
  const size = 6405;
  put(at('base/bin/busybox'), 1_154_361, 'o');
  const layers = [at('base')];
  const step = (change: (root: string) => void): void => {
    layers.push(throughKernel(layers, `step${layers.length}`, (merged) => change(join(merged, 'root'))));
  };
  put(at('base/root/.keep'), 0);
  step((root) => put(join(root, '..', 'somefile.txt'), size));
  step((root) => mkdirSync(join(root, 'example/really/nested'), { recursive: true }));
  step((root) => put(join(root, 'example/somefile1.txt'), size));
  step((root) => chmodSync(join(root, 'example/somefile1.txt'), 0o444));
  step((root) => put(join(root, 'example/somefile2.txt'), size));
  step((root) => put(join(root, 'example/somefile3.txt'), size));
  step((root) => execFileSync('mv', [join(root, 'example/somefile3.txt'), join(root, 'saved.txt')]));
  step((root) => execFileSync('cp', [join(root, 'saved.txt'), join(root, '.saved.txt')]));
  step((root) => rmSync(join(root, 'example'), { recursive: true }));
  step((root) => put(join(root, '.data/all'), 2187));
  step((root) => put(join(root, '.data/copy'), size));
  step((root) => put(join(root, '.data/tmp'), size));
  step((root) => chmodSync(join(root, 'saved.txt'), 0o755));
  const { efficiency, inefficient } = await run(...layers);
  expect(efficiency).toEqual({
    score: 0.9844212134184309,
    sizeBytes: 1_220_598,
    userBytes: 66_237,
    wastedBytes: 32_025,
    userWastedPercent: 0.4834911001404049,
  });
  expect(inefficient).toEqual([
    { path: '/root/example/somefile1.txt', count: 2, bytes: 12_810 },
    { path: '/root/saved.txt', count: 2, bytes: 12_810 },
    { path: '/root/example/somefile3.txt', count: 2, bytes: 6405 },
  ]);
});

it('ends the counting of a layer at a whiteout over nothing, as dive does', async () => {
  put(at('base/a'), 10);
  put(at('top/a'), 20);
  put(at('top/z'), 5);
  // `.wh.m` comes first in the order of a tar: nothing of this layer is counted.
  execFileSync('mknod', [at('top/m'), 'c', '0', '0']);
  const { efficiency, inefficient } = await run(at('base'), at('top'));
  expect(efficiency).toMatchObject({ score: 1, wastedBytes: 0, userBytes: 25, userWastedPercent: 0 });
  expect(inefficient).toEqual([]);
});

it.each(['trusted', 'user'])('reads whiteouts and opaque directories of %s attributes', async (namespace) => {
  put(at('base/d/one'), 10);
  put(at('base/d/two'), 20);
  put(at('base/e/three'), 40);
  put(at('top/d/new'), 1);
  setXattr(bytesOf(at('top/d')), `${namespace}.overlay.opaque`, 'y');
  put(at('top/e/three'), 0);
  setXattr(bytesOf(at('top/e')), `${namespace}.overlay.opaque`, 'x');
  setXattr(bytesOf(at('top/e/three')), `${namespace}.overlay.whiteout`, '');
  const { layers } = await run(at('base'), at('top'));
  expect(layers[1]).toMatchObject({ opaques: 1, whiteouts: 1, files: 1, hides: { deleted: 70 } });
});

it('counts a metacopy as metadata alone: the data below are shown still', async () => {
  put(at('base/file'), 5000);
  const top = throughKernel([at('base')], 'top', (merged) => chmodSync(join(merged, 'file'), 0o600), ',metacopy=on');
  const { layers, hidden } = await run(at('base'), top);
  expect(layers[1]).toMatchObject({ metacopies: 1, files: 0, addedBytes: 0, hides: { copied: 0, overwritten: 0 } });
  expect(hidden).toEqual([]);
});

it('counts an inode once, and hides it with its last name', async () => {
  put(at('base/a'), 1000);
  linkSync(at('base/a'), at('base/b'));
  mkdirSync(at('one'));
  mkdirSync(at('two'));
  execFileSync('mknod', [at('one/a'), 'c', '0', '0']);
  execFileSync('mknod', [at('two/b'), 'c', '0', '0']);
  const { layers } = await run(at('base'), at('one'), at('two'));
  expect(layers.map(({ addedBytes }) => addedBytes)).toEqual([1000, 0, 0]);
  expect(layers.map(({ hides }) => hides.deleted)).toEqual([0, 0, 1000]);
});

it('puts a file in the place of a directory, and a directory in that of a link', async () => {
  put(at('base/was-dir/x'), 100);
  symlinkSync('elsewhere', at('base/was-link'));
  put(at('top/was-dir'), 5, 'y');
  put(at('top/was-link/x'), 7, 'z');
  const { layers, visibleBytes } = await run(at('base'), at('top'));
  expect(layers[1]).toMatchObject({ hides: { deleted: 100 } });
  expect(visibleBytes).toBe(12);
});

it('finds files of the same content, in one layer and across, large ones too', async () => {
  const large = 300_000;
  put(at('base/a'), large);
  put(at('base/b'), large);
  put(at('base/other-tail'), large - 1);
  writeFileSync(at('base/other-tail'), 'y', { flag: 'a' });
  put(at('top/c'), large);
  put(at('top/small'), 3);
  put(at('base/small'), 3, 'q');
  const { duplicates, spareBytes, unreadable } = await run(at('base'), at('top'));
  expect(duplicates).toEqual([
    {
      bytes: large,
      spare: 2 * large,
      files: [
        { path: '/a', layer: 0 },
        { path: '/b', layer: 0 },
        { path: '/c', layer: 1 },
      ],
    },
  ]);
  expect([spareBytes, unreadable]).toEqual([2 * large, 0]);
});

it('follows no symbolic link out of a layer, and keeps names that are not UTF-8', async () => {
  mkdirSync(at('base'));
  symlinkSync('/etc', at('base/etc'));
  writeFileSync(Buffer.concat([Buffer.from(`${at('base')}/`), Buffer.from([0xff, 0x0a])]), 'abc');
  const { biggest, layers } = await run(at('base'));
  expect(layers[0]).toMatchObject({ files: 1, others: 1, directories: 0 });
  expect(biggest).toEqual([{ path: '/\xff\n', layer: 0, bytes: 3, hidden: null }]);
});

it('analyses layers where buildah has them', async () => {
  const storage = new ContainerStore(scratch);
  put(at('ctx/one'), 1000);
  put(at('ctx/two'), 2000, 'y');
  const first = storage.buildah('from', 'scratch');
  storage.buildah('copy', first, at('ctx/one'), '/data/file');
  storage.buildah('commit', '--rm', first, 'localhost/one');
  const second = storage.buildah('from', 'localhost/one');
  storage.buildah('copy', second, at('ctx/two'), '/data/file');
  storage.buildah('copy', second, at('ctx/two'), '/data/more');
  storage.buildah('commit', '--rm', second, 'localhost/two');
  const last = storage.buildah('from', 'localhost/two');
  const { efficiency, layers, inefficient, duplicates } = await run(...storage.layersOf(last));
  storage.buildah('rm', last);
  expect(layers.map(({ addedBytes, hiddenBytes }) => [addedBytes, hiddenBytes])).toEqual([
    [1000, 1000],
    [4000, 0],
  ]);
  expect(efficiency).toEqual({
    score: 3000 / 5000,
    sizeBytes: 5000,
    userBytes: 4000,
    wastedBytes: 3000,
    userWastedPercent: 0.75,
  });
  expect(inefficient).toEqual([{ path: '/data/file', count: 2, bytes: 3000 }]);
  expect(duplicates.map(({ files }) => files.map(({ path }) => path))).toEqual([['/data/file', '/data/more']]);
});

it('says how far it is, and closes its layers when it is stopped', async () => {
  for (let i = 0; i < 1000; i++) put(at('base', `d${i % 50}`, `f${i}`), 10);
  const seen: number[] = [];
  await analyze([bytesOf(at('base'))], never, ({ names }) => void seen.push(names));
  expect(seen.at(-1)).toBe(1050);
  const open = readdirSync('/proc/self/fd').length;
  await expect(analyze([bytesOf(at('base'))], AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  expect(readdirSync('/proc/self/fd').length).toBe(open);
});

it('names the layer that is not there', async () => {
  await expect(run(at('gone'))).rejects.toThrow(/gone does not exist/);
});
