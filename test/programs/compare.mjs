// SPDX-License-Identifier: MIT
// One program at work on the kernel's overlayfs and on Lamina: what it said, the trees it left, and what a new mount
// of the kernel's shows of both uppers.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeLower, makeRepository } from './fixtures.mjs';
import { differences, listTree } from './list-tree.mjs';
import { mountPair } from './mount-pair.mjs';
import { run } from './run-program.mjs';

/** Makes what the workloads need, below `folder`. */
export function makeFixtures(folder) {
  const lower = join(folder, 'lower');
  const repository = join(folder, 'repository');
  const archive = join(folder, 'rich.tar');
  makeLower(lower);
  makeRepository(repository);
  const flags = ['--xattrs', '--xattrs-include=*', '--acls', '--sparse'];
  run('tar', ['-c', ...flags, '-f', archive, '-C', lower, 'rich']);
  return { lower, repository, archive, rich: join(lower, 'rich') };
}

/**
 * Runs a workload on both, and compares. `folder`: an ext4, xfs, … folder for the uppers.
 * @returns the differences, none where all is well
 */
export function compareWorkload({ work, masked, exactTimes = false }, fixtures, folder, options = []) {
  const pair = mountPair(folder, [fixtures.lower], options);
  try {
    const since = exactTimes ? Infinity : Date.now() - 1000;
    const said = pair.both.map((at) => work(at, fixtures));
    const trees = pair.both.map((at) => listTree(at, { since, masked }));
    const [kernel, lamina] = said.map((list) => list.map((text, i) => `said ${i}: ${text}`));
    return [...differences(kernel, lamina), ...differences(trees[0], trees[1])];
  } finally {
    pair.unmount();
  }
}

/** A folder of its own below another. */
export function freshFolder(base, name) {
  const path = join(base, name);
  mkdirSync(path, { recursive: true });
  return path;
}
