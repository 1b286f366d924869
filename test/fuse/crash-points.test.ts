// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeFile, O_PATH, openPath } from '../../src/main/system/files';
import { getXattrAt, removeXattrAt } from '../../src/main/system/xattr';
import { hasProgram } from '../support/loop-image';
import type { LaminaMount } from '../support/lamina-mount';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file } from '../support/tree';
import { onKernel, onLamina, startWritable, writableStack } from '../support/writable-stack';

/* Moments that random kills seldom meet: the process dies at one call, or leaves what it would have left there. */

let folder = '';
let made = 0;
beforeAll(() => {
  folder = makeScratch('disk');
});
afterAll(() => removeScratch(folder));
const fresh = (): string => join(folder, String(made++));

/** From now on the mount process is killed when it is about to make that call. */
async function killAt(mounted: LaminaMount, syscall: string): Promise<void> {
  const words = [
    '-f',
    '-e',
    `trace=${syscall}`,
    '-e',
    `inject=${syscall}:signal=KILL`,
    '-p',
    String(mounted.process.pid),
  ];
  const tracer = spawn('strace', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Promise<void>((attached) =>
    tracer.stderr.on('data', (data: Buffer) => {
      if (data.includes('attached')) attached();
    }),
  );
}

const CONTENT = 'content '.repeat(10_000);

test.skipIf(!hasProgram('strace'))(
  'killed while a metacopy is cut: its size is that of its data until it has them',
  async () => {
    const built = writableStack(fresh(), dir(), dir({ f: file(CONTENT) }));
    const mounted = await startWritable(built, ['metacopy=on']);
    chmodSync(join(mounted.at, 'f'), 0o600);
    await killAt(mounted, 'fsync');
    expect(() => truncateSync(join(mounted.at, 'f'), 100)).toThrow(/ECONNABORTED|ENOTCONN/);
    expect(await mounted.exit()).toBe(null);
    mounted.clear();
    const whole = (at: string): void => {
      expect(lstatSync(join(at, 'f')).size).toBe(CONTENT.length);
      expect(readFileSync(join(at, 'f'), 'latin1')).toBe(CONTENT);
    };
    await onKernel(built, ['metacopy=on'], whole);
    await onLamina(built, ['metacopy=on'], whole);
  },
);

test('an index entry that was never finished is removed, as by the kernel', async () => {
  for (const on of [onKernel, onLamina]) {
    const built = writableStack(fresh(), dir(), dir({ one: file(CONTENT), two: { kind: 'link', to: 'one' } }));
    await onLamina(built, ['index=on'], (at) => chmodSync(join(at, 'one'), 0o600));
    const index = join(built.upper!.workdir, 'index');
    const [entry] = readdirSync(index);
    // As after a crash between the link in the index and its first mark.
    unlinkSync(join(built.upper!.path, 'one'));
    const fd = openPath(index, O_PATH);
    expect(removeXattrAt({ fd, name: entry! }, 'trusted.overlay.nlink')).toBe(0);
    closeFile(fd);
    await on(built, ['index=on'], (at) => {
      expect(readdirSync(index)).toEqual([]);
      expect(lstatSync(join(at, 'two'))).toMatchObject({ nlink: 2, mode: 0o100644 });
    });
  }
});

test('on a file system without RENAME_WHITEOUT a rename leaves a whiteout, and replaces', async () => {
  const below = writableStack(fresh(), dir({ u: dir(), w: dir() }), dir());
  // A mount of Lamina's is such a file system.
  await onLamina(below, [], async (upperIn) => {
    const lower = dir({ a: file('a\n'), b: file('b\n'), c: file('c\n'), d: dir({ e: file('e\n') }) });
    const stack = writableStack(fresh(), dir(), lower);
    const built = { ...stack, upper: { path: join(upperIn, 'u'), workdir: join(upperIn, 'w') } };
    await onLamina(built, ['redirect_dir=on'], (at) => {
      renameSync(join(at, 'a'), join(at, 'new'));
      renameSync(join(at, 'b'), join(at, 'c'));
      renameSync(join(at, 'd'), join(at, 'moved'));
      writeFileSync(join(at, 'moved/more'), 'more\n');
      expect(readdirSync(at).sort()).toEqual(['c', 'moved', 'new']);
    });
    await onLamina(built, ['redirect_dir=on'], (at) => {
      expect(readdirSync(at).sort()).toEqual(['c', 'moved', 'new']);
      const contents = ['new', 'c', 'moved/e', 'moved/more'].map((path) => readFileSync(join(at, path), 'utf8'));
      expect(contents).toEqual(['a\n', 'b\n', 'e\n', 'more\n']);
    });
    const fd = openPath(join(upperIn, 'u'), O_PATH);
    for (const name of ['a', 'b', 'd']) {
      const stat = lstatSync(join(below.upper!.path, 'u', name));
      // A device 0:0, or where a mount does not let one be made, an empty file with the mark.
      if (!stat.isCharacterDevice()) expect(getXattrAt(fd, name, 'trusted.overlay.whiteout')).toBe('');
    }
    closeFile(fd);
  });
});
