// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ArchiveFiles } from '../../../src/main/images/sources/archive-files';

let folder = '';
const signal = new AbortController().signal;
const spool = (): Promise<never> => Promise.reject(new Error('no room was needed'));
const open = (): Promise<ArchiveFiles> => ArchiveFiles.open(`${folder}/x.tar`, spool, signal);

function tar(...args: string[]): void {
  const { status, stderr } = spawnSync('tar', ['-C', `${folder}/in`, '-cf', `${folder}/x.tar`, ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lamina-index-'));
  mkdirSync(`${folder}/in/deep`, { recursive: true });
  writeFileSync(`${folder}/in/a`, 'content of a');
  writeFileSync(`${folder}/in/deep/${'long'.repeat(40)}`, 'long');
  writeFileSync(`${folder}/in/big`, 'b'.repeat(100_000));
  symlinkSync('../a', `${folder}/in/deep/link`);
  symlinkSync('link', `${folder}/in/deep/again`);
  symlinkSync('/a', `${folder}/in/deep/absolute`);
  symlinkSync('round', `${folder}/in/round`);
  linkSync(`${folder}/in/a`, `${folder}/in/hard`);
});
afterEach(() => rmSync(folder, { recursive: true }));

const text = async (files: ArchiveFiles, name: string): Promise<string> => (await files.read(name, 1 << 20)).toString();

test.each(['v7', 'oldgnu', 'gnu', 'ustar', 'pax'])(
  'files and links of a %s tar are found where they stand',
  async (format) => {
    const names = ['./a', './big', './hard', './deep/link', './deep/again', './deep/absolute', './round'];
    const isLongName = format === 'v7' || format === 'ustar';
    tar(`--format=${format}`, ...names, ...(isLongName ? [] : [`deep/${'long'.repeat(40)}`]));
    const files = await open();
    expect(await text(files, 'a')).toBe('content of a');
    for (const name of ['hard', 'deep/link', 'deep/again']) expect(await text(files, name)).toBe('content of a');
    if (!isLongName) expect(await text(files, `deep/${'long'.repeat(40)}`)).toBe('long');
    expect(await files.size('big')).toBe(100_000);
    expect(await files.size('none')).toBeNull();
    expect(await files.size('round')).toBeNull();
    const pieces: Uint8Array[] = [];
    for await (const piece of await files.open('big', 99_998, signal)) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe('bb');
    await expect(files.read('big', 10)).rejects.toMatchObject({ code: 'over-limit' });
    await expect(files.read('none', 10)).rejects.toMatchObject({ code: 'missing-blob' });
  },
);

test('the last of several files with one name counts', async () => {
  tar('a');
  writeFileSync(`${folder}/in/a`, 'a newer one');
  spawnSync('tar', ['-C', `${folder}/in`, '-rf', `${folder}/x.tar`, 'a']);
  expect(await text(await open(), 'a')).toBe('a newer one');
});

test('what is no tar, or ends early, is refused and named', async () => {
  writeFileSync(`${folder}/x.tar`, 'x'.repeat(2000));
  await expect(open()).rejects.toMatchObject({ code: 'bad-archive', message: expect.stringContaining('x.tar') });
  tar('big');
  truncateSync(`${folder}/x.tar`, readFileSync(`${folder}/x.tar`).length >> 2);
  await expect(open()).rejects.toMatchObject({ code: 'bad-archive', message: expect.stringContaining('big') });
  rmSync(`${folder}/x.tar`);
  await expect(open()).rejects.toMatchObject({ code: 'ENOENT' });
  writeFileSync(`${folder}/x.tar`, spawnSync('bzip2', ['-c', `${folder}/in/big`]).stdout);
  await expect(open()).rejects.toMatchObject({ code: 'bad-archive', hint: expect.stringContaining('bzip2 -d') });
});
