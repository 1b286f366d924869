// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mount, unmount } from '../../src/main/system/mount';
import { lamina } from '../support/cli';
import { makeScratch, removeScratch } from '../support/scratch';

/*
 * What a program sees that maps, locks, seeks and unlinks. The same program runs on a mount of the kernel's and on
 * Lamina's over equal layers: what it prints must be equal, and what must be true of both is said here.
 */
const PROGRAM = resolve('test/support/file-program.py');
const BIG = 300_000;

let scratch = '';
beforeEach(() => {
  scratch = makeScratch('disk');
});
afterEach(() => {
  for (const side of ['kernel', 'lamina']) unmount(join(scratch, side, 'm'), true);
  removeScratch(scratch);
});

/** Layers, and their option text. */
function layers(side: string, options: readonly string[]): string {
  const folder = join(scratch, side);
  for (const name of ['l', 'u', 'w', 'm', 'l/directory']) mkdirSync(join(folder, name), { recursive: true });
  const lower = (name: string): string => join(folder, 'l', name);
  writeFileSync(lower('lower'), 'lower file');
  writeFileSync(lower('lower2'), 'another');
  writeFileSync(lower('big'), 'b'.repeat(BIG));
  writeFileSync(lower('sparse'), '');
  truncateSync(lower('sparse'), 1 << 20);
  writeFileSync(lower('sparse'), 'end', { flag: 'a' });
  writeFileSync(lower('link1'), 'linked');
  linkSync(lower('link1'), lower('link2'));
  return [`lowerdir=${folder}/l`, `upperdir=${folder}/u`, `workdir=${folder}/w`, ...options].join(',');
}

const run = (side: string): string[] =>
  execFileSync('python3', [PROGRAM, join(scratch, side, 'm')], { encoding: 'utf8' })
    .trim()
    .split('\n');

function cli(...args: string[]): void {
  const { status, stderr } = lamina({ runtime: scratch }, ...args);
  if (status !== 0) throw new Error(stderr);
}

describe.each([[[]], [['metacopy=on']], [['index=on']], [['volatile']]])('with the options %j', (options) => {
  test('a program sees what it sees on the kernel’s overlay', () => {
    mount('overlay', join(scratch, 'kernel', 'm'), 'overlay', 0, layers('kernel', options));
    cli('mount', '-o', `suid,dev,${layers('lamina', options)}`, join(scratch, 'lamina', 'm'));
    const [seen, kernels] = [run('lamina'), run('kernel')];
    // Of one descriptor the kernel's overlay reads the copy and maps the lower; Lamina shows the copy in both.
    expect(seen).toContain("mapped after it b'copy'");
    expect(kernels).toContain("mapped after it b'bbbb'");
    const alike = (lines: readonly string[]): string[] => lines.filter((line) => !line.startsWith('mapped after it'));
    expect(alike(seen)).toEqual(alike(kernels));
    expect(seen).toContain("read through a descriptor from before the copy-up b'copy'");
    expect(seen).toContain('flock refused');
    expect(seen).toContain('removed while listed 1000 1000 []');
  });
});

test('inode numbers stay over a remount', () => {
  const options = layers('lamina', []);
  const at = join(scratch, 'lamina', 'm');
  cli('mount', '-o', options, at);
  const before = statSync(join(at, 'lower2')).ino;
  writeFileSync(join(at, 'lower2'), 'changed');
  expect(statSync(join(at, 'lower2')).ino).toBe(before);
  cli('umount', at);
  cli('mount', '-o', options, at);
  expect(statSync(join(at, 'lower2')).ino).toBe(before);
  cli('umount', at);
});
