// SPDX-License-Identifier: MIT
import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { judgeOptions } from '@shared/options';
import { engineOptions } from '@shared/lamina-options';
import { parseMountOptions } from '../../src/main/commands/parse-options';
import { command } from '../../src/main/mounts/control';
import { buildStack, type BuiltStack } from '../support/kernel';
import { LaminaMount } from '../support/lamina-mount';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file } from '../support/tree';

/** What libfuse does by names of its own, and a program must not notice. */
describe('files that are open through fuse-native', () => {
  let scratch = '';
  let built: BuiltStack;
  let mount: LaminaMount;
  const at = (name: string): string => join(mount.at, name);
  const inUpper = (): string[] => readdirSync(built.upper!.path).sort();
  const read = (fd: number): string => {
    const bytes = Buffer.alloc(100);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
  };

  const start = async (words: string): Promise<void> => {
    const { options } = parseMountOptions(words, '/');
    const subject = { upper: built.upper, lowers: built.lowers, data: built.data, options };
    const write = judgeOptions(subject).effective;
    mount = await LaminaMount.start(built, engineOptions(subject), 'fuse-native', undefined, write);
  };

  beforeEach(async () => {
    scratch = makeScratch('tmpfs');
    mkdirSync(join(scratch, 's'));
    built = buildStack(join(scratch, 's'), {
      upper: dir({ own: file('own') }),
      lowers: [dir({ low: file('low'), d: dir({ inside: file('inside') }) })],
      data: [],
    });
    await start('');
  });

  afterEach(async () => {
    expect(await mount.stop()).toBe(0);
    removeScratch(scratch);
  });

  test('stay usable when their name is gone, and leave no other name', () => {
    for (const name of ['own', 'low', 'new']) {
      const fd = openSync(at(name), name === 'new' ? 'w+' : 'r+');
      unlinkSync(at(name));
      expect(fstatSync(fd).nlink).toBe(0);
      expect(readdirSync(mount.at)).not.toContain(name);
      expect(readdirSync(mount.at).filter((each) => each.startsWith('.'))).toEqual([]);
      writeSync(fd, 'written', 0);
      ftruncateSync(fd, 5);
      fchmodSync(fd, 0o600);
      expect(read(fd)).toBe('writt');
      expect(fstatSync(fd).mode & 0o7777).toBe(0o600);
      closeSync(fd);
    }
    expect(inUpper()).toEqual(['low']);
  });

  test('are replaced by a rename, and keep their content', () => {
    const fd = openSync(at('low'), 'r');
    renameSync(at('own'), at('low'));
    expect(read(fd)).toBe('low');
    expect(readFileSync(at('low'), 'latin1')).toBe('own');
    closeSync(fd);
    expect(inUpper()).toEqual(['low']);
  });

  test('have both names after a rename from one of them to the other', () => {
    linkSync(at('own'), at('other'));
    const fd = openSync(at('other'), 'r');
    renameSync(at('own'), at('other'));
    closeSync(fd);
    expect(inUpper()).toEqual(['other', 'own']);
    expect(statSync(at('own')).nlink).toBe(2);
    expect(readFileSync(at('other'), 'latin1')).toBe('own');
  });

  test('do not keep their directory from being removed', () => {
    const fd = openSync(at('d/inside'), 'r');
    unlinkSync(at('d/inside'));
    rmdirSync(at('d'));
    expect(existsSync(at('d'))).toBe(false);
    closeSync(fd);
    expect(inUpper()).toEqual(['d', 'own']);
  });

  test('show what was written through another of their names', () => {
    linkSync(at('own'), at('other'));
    const fd = openSync(at('own'), 'r');
    expect(read(fd)).toBe('own');
    writeFileSync(at('other'), 'new');
    expect(read(fd)).toBe('new');
    closeSync(fd);
  });

  test('show their copy from the moment it is made', () => {
    const reader = openSync(at('low'), 'r');
    const writer = openSync(at('low'), 'r+');
    writeSync(writer, 'LOW', 0);
    expect(read(reader)).toBe('LOW');
    closeSync(reader);
    closeSync(writer);
  });

  test('of a volatile upper are not synced, and the mount counts what it did', async () => {
    await mount.stop();
    await start('volatile');
    const fd = openSync(at('low'), 'r+');
    writeSync(fd, 'more', 0);
    fsyncSync(fd);
    closeSync(fd);
    const status = await command(mount.id, 'status');
    expect(status).toMatchObject({ bytesWritten: 4, copyUps: 1, copyUpBytes: 3 });
  });
});
