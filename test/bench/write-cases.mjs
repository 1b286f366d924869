// SPDX-License-Identifier: MIT
// What is measured of writing, as data, and the layers that it needs.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../scripts/setup/project.mjs';
import { run } from './run.mjs';

const smallFiles = join(import.meta.dirname, 'small-files.mjs');

/** Files of a tree in a lower: 20 directories of 1,000 files. */
const TREE = { directories: 20, files: 1000 };
const APT_PACKAGES = ['less', 'nano', 'tree', 'bc'];

function makeTree(folder) {
  for (let i = 0; i < TREE.directories; i++) {
    const directory = join(folder, 'tree', `d${i}`);
    mkdirSync(directory, { recursive: true });
    for (let j = 0; j < TREE.files; j++) writeFileSync(join(directory, `f${j}`), `file ${j} of directory ${i}\n`);
  }
}

/** A real source tree: some thousand files of npm packages that the project has anyway. */
function makeSources(folder) {
  const sources = join(folder, 'sources');
  for (const name of ['@lucide/svelte', '@types/node', 'svelte', 'eslint'])
    cpSync(join(projectRoot, 'node_modules', name), join(sources, name), { recursive: true });
  return sources;
}

/**
 * Layers and archives that the cases start from; made once, on the file system of the uppers.
 * @returns the lower with the tree and the 1 GiB file, the archive, the repository
 */
export async function makeMaterial(folder, { bigLayer }) {
  const lower = join(folder, 'tree-layer');
  makeTree(lower);
  const sources = makeSources(folder);
  const archive = join(folder, 'sources.tar');
  await run(['tar', '-cf', archive, '-C', sources, '.']);
  const git = (...args) => execFileSync('git', ['-C', sources, '-c', 'user.name=b', '-c', 'user.email=b@b', ...args]);
  git('init', '-q');
  git('add', '-A');
  git('commit', '-q', '-m', 'sources');
  return { lower, bigLayer, archive, repository: sources };
}

/** A layer with the packages fetched, so that the network is in no measurement. Null where they cannot be fetched. */
export async function makeAptLayer(folder, lowerdir, kernel, at) {
  const upper = join(folder, 'apt-layer');
  const work = join(folder, 'apt-work');
  for (const path of [upper, work]) mkdirSync(path);
  const mounted = await kernel.mount(lowerdir, at, { upper, work, options: [] });
  try {
    mkdirSync(join(at, 'etc'), { recursive: true });
    if (existsSync('/etc/resolv.conf')) cpSync('/etc/resolv.conf', join(at, 'etc/resolv.conf'));
    if (existsSync('/etc/hosts')) cpSync('/etc/hosts', join(at, 'etc/hosts'));
    for (const config of ['sources.list', 'sources.list.d', 'apt.conf.d', 'trusted.gpg.d'])
      if (existsSync(join('/etc/apt', config)))
        cpSync(join('/etc/apt', config), join(at, 'etc/apt', config), { recursive: true, force: true });
    chmodSync(join(at, 'tmp'), 0o1777);
    await run(['chroot', at, 'apt-get', '-q', 'update']);
    await run(['chroot', at, 'apt-get', '-qy', '--no-install-recommends', '-d', 'install', ...APT_PACKAGES]);
    return upper;
  } catch {
    return null;
  } finally {
    await mounted.unmount();
  }
}

const fio = (at, ...args) => [
  'fio',
  '--name=w',
  `--filename=${join(at, 'fio')}`,
  '--ioengine=sync',
  '--thread',
  ...args,
];

/**
 * `lower(material)`: the stack; `command(at, material)`: what is timed; `prepare`: what goes before, untimed; `options`:
 * of the mount, where it has them.
 */
export const writeCases = [
  {
    name: 'create',
    title: 'create, write and remove 10,000 small files',
    timesItself: true,
    lower: ({ lower }) => lower,
    command: (at) => [process.execPath, smallFiles, at],
  },
  {
    name: 'rm',
    title: 'rm -rf of a lower tree of 20,000 files',
    lower: ({ lower }) => lower,
    command: (at) => ['rm', '-rf', join(at, 'tree')],
  },
  {
    name: 'copy-up',
    title: 'copy-up of a 1 GiB file',
    lower: ({ lower, bigLayer }) => `${bigLayer}:${lower}`,
    command: (at, { bigFile }) => ['truncate', '-s', '+1', join(at, bigFile)],
  },
  {
    name: 'chown',
    title: 'chown -R over /usr of the image, metacopy=on',
    options: ['metacopy=on'],
    lower: ({ lowerdir }) => lowerdir,
    command: (at) => ['chown', '-R', '1000:1000', join(at, 'usr')],
  },
  {
    name: 'untar',
    title: 'tar x of a source tree',
    lower: ({ lower }) => lower,
    prepare: (at) => mkdirSync(join(at, 'untar')),
    command: (at, { archive }) => ['tar', '-xf', archive, '-C', join(at, 'untar')],
  },
  {
    name: 'checkout',
    title: 'git checkout of a source tree',
    lower: ({ lower }) => lower,
    prepare: (at, { repository }) =>
      run(['git', 'clone', '-q', '--no-checkout', '--no-hardlinks', repository, join(at, 'clone')]),
    command: (at) => ['git', '-C', join(at, 'clone'), 'checkout', '-q', '-f', 'HEAD'],
  },
  {
    name: 'apt',
    title: `apt-get install ${APT_PACKAGES.join(' ')}`,
    needsApt: true,
    lower: ({ aptLayer, lowerdir }) => `${aptLayer}:${lowerdir}`,
    command: (at) => [
      'chroot',
      at,
      'apt-get',
      '-qy',
      '--no-install-recommends',
      '--no-download',
      'install',
      ...APT_PACKAGES,
    ],
  },
  {
    name: 'seq-write',
    title: 'sequential write of 1 GiB, fio bs=128k',
    lower: ({ lower }) => lower,
    command: (at) => fio(at, '--rw=write', '--bs=128k', '--size=1g'),
  },
  {
    name: 'rand-write',
    title: '16,384 random writes of 4 KiB in 256 MiB, fio',
    lower: ({ lower }) => lower,
    prepare: (at) => run(fio(at, '--rw=write', '--bs=1m', '--size=256m')),
    command: (at) => fio(at, '--rw=randwrite', '--bs=4k', '--size=256m', '--io_size=64m', '--randrepeat=1'),
  },
];
