// SPDX-License-Identifier: MIT
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectLogged } from '../support/expect-logged';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file } from '../support/tree';
import { onLamina, writableStack } from '../support/writable-stack';

/*
 * A lower that somebody changes under the mount. The kernel's overlayfs leaves open what happens; here nobody gets the
 * size of one file with the content of another, nothing hangs, and the log says so.
 */

let folder = '';
let made = 0;
beforeAll(() => {
  folder = makeScratch('disk');
});
afterAll(() => removeScratch(folder));

const OLD = 'old '.repeat(2000);
const NEW = 'new content '.repeat(3000);
const BIG = 'o'.repeat(400_000);

interface Case {
  readonly lower: string;
  readonly upper: string;
  readonly logged: (line: RegExp) => void;
}

async function mounted(words: readonly string[], use: (at: string, each: Case) => void): Promise<void> {
  const base = join(folder, String(made++));
  const built = writableStack(
    base,
    dir(),
    dir({ f: file(OLD), big: file(BIG), d: dir({ g: file(OLD) }), other: file('other\n') }),
  );
  const log = join(base, 'log');
  const each = { lower: join(base, 'l0'), upper: built.upper!.path, logged: (line: RegExp) => expectLogged(log, line) };
  await onLamina(built, words, (at) => use(at, each), { log });
}

const read = (path: string): string => readFileSync(path, 'latin1');
/** As long as its size says, and one of the two whole contents. */
function expectWhole(path: string, ...contents: string[]): void {
  const content = read(path);
  expect(contents.map((each) => each.length)).toContain(content.length);
  expect(contents.includes(content)).toBe(true);
  expect(statSync(path).size).toBe(content.length);
}
const replace = (path: string, content: string): void => {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
};

describe.each([{ words: [] }, { words: ['metacopy=on'] }])('with $words', ({ words }) => {
  test.each(['f', 'big'])('%s, looked at and then replaced: the new one, whole', (name) =>
    mounted(words, (at, { lower, logged }) => {
      expect(statSync(join(at, name)).size).toBeGreaterThan(0);
      replace(join(lower, name), NEW);
      expectWhole(join(at, name), NEW);
      logged(new RegExp(`Z OPEN /${name}: ESTALE \\(changed underneath .*/l0/${name}\\)`));
    }),
  );

  test('read, replaced, and then copied up: what is appended to is one of the two', () =>
    mounted(words, (at, { lower, upper }) => {
      expect(read(join(at, 'f'))).toBe(OLD);
      replace(join(lower, 'f'), NEW);
      appendFileSync(join(at, 'f'), 'more\n');
      expectWhole(join(at, 'f'), `${NEW}more\n`);
      expect(read(join(upper, 'f'))).toBe(`${NEW}more\n`);
    }));

  test('shortened in place, then changed: the short one', () =>
    mounted(words, (at, { lower }) => {
      expect(read(join(at, 'f'))).toBe(OLD);
      expect(statSync(join(at, 'big')).size).toBe(BIG.length);
      truncateSync(join(lower, 'f'), 100);
      truncateSync(join(lower, 'big'), 100);
      chmodSync(join(at, 'f'), 0o600);
      expectWhole(join(at, 'f'), OLD.slice(0, 100));
      expectWhole(join(at, 'big'), BIG.slice(0, 100));
    }));

  test('removed: ENOENT, and the name can be had again', () =>
    mounted(words, (at, { lower }) => {
      expect(statSync(join(at, 'big')).size).toBe(BIG.length);
      expect(statSync(join(at, 'f')).size).toBe(OLD.length);
      unlinkSync(join(lower, 'big'));
      unlinkSync(join(lower, 'f'));
      expect(() => read(join(at, 'big'))).toThrow(/ENOENT/);
      expect(() => chmodSync(join(at, 'f'), 0o600)).toThrow(/ENOENT/);
      writeFileSync(join(at, 'f'), 'mine\n');
      expect(read(join(at, 'f'))).toBe('mine\n');
    }));

  test('a file in place of a directory, a directory in place of a file: what is there now', () =>
    mounted(words, (at, { lower }) => {
      expect(read(join(at, 'd/g'))).toBe(OLD);
      expect(statSync(join(at, 'f')).isFile()).toBe(true);
      rmSync(join(lower, 'f'));
      mkdirSync(join(lower, 'f'));
      expect(() => read(join(at, 'f'))).toThrow(/EISDIR/);
      rmSync(join(lower, 'd'), { recursive: true });
      writeFileSync(join(lower, 'd'), 'now a file\n');
      expect(() => writeFileSync(join(at, 'd/new'), 'x')).toThrow(/E(?:NOTDIR|NOENT|STALE)/);
      expect(readdirSync(at)).toContain('other');
      expect(read(join(at, 'other'))).toBe('other\n');
    }));

  test('who has it open goes on with what he opened', () =>
    mounted(words, (at, { lower }) => {
      const fd = openSync(join(at, 'big'), 'r');
      const buffer = Buffer.alloc(10);
      readSync(fd, buffer, 0, 10, 0);
      replace(join(lower, 'big'), NEW);
      readSync(fd, buffer, 0, 10, 300_000);
      closeSync(fd);
      expect(buffer.toString()).toBe('oooooooooo');
    }));
});
