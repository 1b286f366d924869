// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SystemError } from '../../src/main/system/libc';
import { syncFileSystem } from '../../src/main/system/file-content';
import { hasProgram } from '../support/loop-image';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file } from '../support/tree';
import { onKernel, onLamina, startWritable, writableStack } from '../support/writable-stack';

/* fsync=volatile and its old name: nothing is synced, and the workdir says so to all who come after (semantics 6). */

let folder = '';
let made = 0;
beforeAll(() => {
  folder = makeScratch('disk');
});
afterAll(() => removeScratch(folder));

const stack = (): ReturnType<typeof writableStack> =>
  writableStack(
    join(folder, String(made++)),
    dir(),
    dir({ big: file('b'.repeat(1 << 20)), d: dir({ f: file('f\n') }) }),
  );

/** What a careful program does: writes, and syncs the file, its directory and the file system. */
function carefully(at: string): void {
  for (const path of ['big', 'd/f', 'new']) {
    const fd = openSync(join(at, path), 'a');
    writeSync(fd, 'more\n');
    fsyncSync(fd);
    closeSync(fd);
  }
  const directory = openSync(at, 'r');
  fsyncSync(directory);
  expect(syncFileSystem(directory)).toBe(0);
  closeSync(directory);
}

/** But those of stdout and stderr, which Node syncs at its end. */
const SYNCS = /\b(fsync|fdatasync|syncfs|sync|sync_file_range|msync)\((?![12]\))/;

/** Resolves when strace(1) is at work; what that gives resolves when the traced process has ended. */
async function traceSyncs(pid: number, file: string): Promise<{ readonly ended: Promise<unknown> }> {
  const words = ['-f', '-o', file, '-e', 'trace=fsync,fdatasync,syncfs,sync,sync_file_range,msync', '-p', String(pid)];
  const child = spawn('strace', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((done) => child.once('exit', done));
  for await (const data of child.stderr) if (String(data).includes('attached')) break;
  return { ended };
}

test.skipIf(!hasProgram('strace')).each([
  { words: [], syncs: true },
  { words: ['volatile'], syncs: false },
  { words: ['fsync=volatile', 'metacopy=on', 'index=on'], syncs: false },
])('with $words the mount process syncs: $syncs', async ({ words, syncs }) => {
  const built = stack();
  const trace = join(built.folder, 'trace');
  const mounted = await startWritable(built, words);
  const tracer = await traceSyncs(mounted.process.pid!, trace);
  carefully(mounted.at);
  expect(await mounted.stop()).toBe(0);
  await tracer.ended;
  const calls = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => SYNCS.test(line));
  expect(calls.length > 0, calls.join('\n')).toBe(syncs);
  expect(readFileSync(join(built.upper!.path, 'd/f'), 'utf8')).toBe('f\nmore\n');
});

test('the marker is made and stays, and refuses every later mount until it is removed', async () => {
  const built = stack();
  const mark = join(built.upper!.workdir, 'work/incompat/volatile');
  await onLamina(built, ['volatile'], (at) => {
    expect(lstatSync(join(mark, 'dirty')).mode).toBe(0o100000);
    expect(lstatSync(mark).mode).toBe(0o040000);
    carefully(at);
  });
  expect(existsSync(join(mark, 'dirty'))).toBe(true);
  for (const words of [[], ['volatile'], ['index=on']]) {
    await expect(startWritable(built, words)).rejects.toThrow(/is that of a volatile mount/);
    const byKernel = await onKernel(built, words, () => null).catch((error: unknown) => error);
    expect(byKernel).toBeInstanceOf(SystemError);
    expect(byKernel).toMatchObject({ code: 'EINVAL' });
  }
  expect(existsSync(join(mark, 'dirty'))).toBe(true);
  rmSync(mark, { recursive: true });
  const look = (at: string): string => readFileSync(join(at, 'new'), 'utf8');
  expect(await onLamina(built, [], look)).toBe('more\n');
  expect(await onKernel(built, [], look)).toBe('more\n');
});

test("the kernel's own marker refuses a mount of Lamina's; that of a killed mount stays, too", async () => {
  const byKernel = stack();
  await onKernel(byKernel, ['volatile'], carefully);
  await expect(startWritable(byKernel, [])).rejects.toThrow(/is that of a volatile mount/);

  const killed = stack();
  const mounted = await startWritable(killed, ['volatile']);
  carefully(mounted.at);
  await mounted.kill();
  mounted.clear();
  await expect(startWritable(killed, [])).rejects.toThrow(/is that of a volatile mount/);
});

test('a mark that Lamina does not know refuses the mount by its name', async () => {
  const built = stack();
  mkdirSync(join(built.upper!.workdir, 'work/incompat/later'), { recursive: true });
  await expect(startWritable(built, [])).rejects.toThrow(/feature later/);
});

/** Milliseconds of the quickest of some syncs of megabytes just written: others are at work on the machine, too. */
function quickestSync(at: string): number {
  const fd = openSync(join(at, 'big'), 'r+');
  const block = Buffer.alloc(4 << 20, 'x');
  const times = Array.from({ length: 10 }, () => {
    writeSync(fd, block, 0, block.length, 0);
    const started = performance.now();
    fsyncSync(fd);
    return performance.now() - started;
  });
  closeSync(fd);
  return Math.min(...times);
}

test('fsync waits for no disk', async () => {
  const synced = await onLamina(stack(), [], quickestSync);
  const unsynced = await onLamina(stack(), ['volatile'], quickestSync);
  expect(unsynced).toBeLessThan(synced / 4);
});
