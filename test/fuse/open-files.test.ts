// SPDX-License-Identifier: MIT
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectLogged } from '../support/expect-logged';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file, type Node } from '../support/tree';
import { startWritable, writableStack } from '../support/writable-stack';

/* As many files as a program may open, and one more. */

let folder = '';
beforeAll(() => {
  folder = makeScratch('disk');
});
afterAll(() => removeScratch(folder));

const FILES = 10_000;
const DIRECTORIES = 100;

/** Of every file of a stack: a path, and what is in it. */
const pathOf = (i: number): string => `d${i % DIRECTORIES}/f${i}`;

/** Each third file is the lower's alone, the others are in the upper. */
function layers(): { upper: Node; lower: Node } {
  const tree = (wanted: (i: number) => boolean): Node => {
    const children: Record<string, Node> = {};
    for (let d = 0; d < DIRECTORIES; d++) {
      const files: Record<string, Node> = {};
      for (let i = d; i < FILES; i += DIRECTORIES) if (wanted(i)) files[`f${i}`] = file(`content of ${i}\n`);
      children[`d${d}`] = dir(files);
    }
    return dir(children);
  };
  return { upper: tree((i) => i % 3 !== 0), lower: tree((i) => i % 3 === 0) };
}

const limits = (pid: number): string[] => {
  const line = readFileSync(`/proc/${pid}/limits`, 'utf8')
    .split('\n')
    .find((each) => each.startsWith('Max open files'))!;
  return line.split(/\s{2,}/).slice(1, 3);
};

function readAll(fd: number): string {
  const buffer = Buffer.alloc(100);
  return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, 0));
}

test(
  '10,000 files are open at once, also such as are unlinked; the soft limit is no limit',
  { timeout: 300_000 },
  async () => {
    const { upper, lower } = layers();
    const built = writableStack(join(folder, 'many'), upper, lower);
    const mounted = await startWritable(built, [], { wrapper: ['prlimit', '--nofile=1024:'] });
    const fds: number[] = [];
    try {
      const [soft, hard] = limits(mounted.process.pid!);
      expect(soft).toBe(hard);
      for (let i = 0; i < FILES; i++) fds.push(openSync(join(mounted.at, pathOf(i)), i % 3 === 1 ? 'r+' : 'r'));
      for (let i = 0; i < FILES; i += 5) unlinkSync(join(mounted.at, pathOf(i)));
      for (let i = 0; i < FILES; i++) {
        if (i % 3 === 1) writeSync(fds[i]!, 'CONTENT', 0);
        expect(readAll(fds[i]!)).toBe(`${i % 3 === 1 ? 'CONTENT' : 'content'} of ${i}\n`);
        expect(fstatSync(fds[i]!).size).toBe(`content of ${i}\n`.length);
      }
    } finally {
      for (const fd of fds) closeSync(fd);
      expect(await mounted.stop()).toBe(0);
    }
    for (let i = 1; i < FILES; i += 777)
      if (i % 5 !== 0 && i % 3 === 1)
        expect(readFileSync(join(built.upper!.path, pathOf(i)), 'utf8')).toBe(`CONTENT of ${i}\n`);
  },
);

test('beyond the limit of the mount process: EMFILE, a line in the log, and the mount goes on', async () => {
  const folders = Object.fromEntries(Array.from({ length: 90 }, (_, i) => [`kept${i}`, dir({ f: file('f\n') })]));
  const lower = dir({ below: file('below\n'), d: dir({ f: file('f\n') }), ...folders, late: dir({ f: file('f\n') }) });
  const built = writableStack(join(folder, 'few'), dir(), lower);
  const log = join(folder, 'few', 'log');
  const mounted = await startWritable(built, [], { wrapper: ['prlimit', '--nofile=200:200'], log });
  const at = (path: string): string => join(mounted.at, path);
  const fds: number[] = [];
  const codes = new Set<string | undefined>();
  try {
    mkdirSync(at('new'));
    for (const name of Object.keys(folders)) statSync(at(`${name}/f`));
    for (let i = 0; i < 300; i++) {
      try {
        fds.push(openSync(at(`new/${i}`), 'w+'));
        writeSync(fds.at(-1)!, `${i}\n`);
      } catch (error) {
        codes.add((error as NodeJS.ErrnoException).code);
      }
    }
    expect([...codes]).toEqual(['EMFILE']);
    expect(fds.length).toBeGreaterThan(50);
    // Directories that are kept open make room for one that was not met before.
    expect(statSync(at('late/f')).size).toBe(2);
    expect(fds.length).toBeLessThan(200);
    // What is open goes on, and nothing that could not be copied up is half there.
    fds.forEach((fd, i) => expect(readAll(fd)).toBe(`${i}\n`));
    expect(() => writeFileSync(at('below'), 'changed\n', { flag: 'r+' })).toThrow(/EMFILE/);
    for (const fd of fds.splice(0)) closeSync(fd);
    expect(readFileSync(at('below'), 'utf8')).toBe('below\n');
    writeFileSync(at('d/f'), 'changed\n');
    expect(readFileSync(at('d/f'), 'utf8')).toBe('changed\n');
    expectLogged(log, /Z CREATE \/new\/\d+: EMFILE \(open \d+\)/);
  } finally {
    for (const fd of fds) closeSync(fd);
    expect(await mounted.stop()).toBe(0);
  }
});
