// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf } from '@shared/bytes';
import type { CompareDetail, CompareRow } from '@shared/compare';
import { compare } from '../../src/main/images/compare/compare';
import { Comparison } from '../../src/main/images/compare/comparison';
import { compareDetail } from '../../src/main/images/compare/detail';
import { sideOfLayers } from '../../src/main/images/compare/side';
import { setXattr } from '../../src/main/system/xattr';
import { ContainerStore } from '../support/container-store';
import { makeScratch, removeScratch } from '../support/scratch';

let scratch: string;
beforeEach(() => void (scratch = makeScratch('disk')));
afterEach(() => removeScratch(scratch));

const never = new AbortController().signal;
const at = (...names: string[]): string => join(scratch, ...names);
const side = (...layers: string[]): ReturnType<typeof sideOfLayers> => sideOfLayers(layers.map(bytesOf));
const OLD = new Date('2020-01-01T00:00:00Z');

function put(path: string, content: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  utimesSync(path, OLD, OLD);
}

const say = ({ kind, path, differs }: CompareRow): string =>
  `${kind} ${path}${differs.length > 0 ? ` ${differs.join()}` : ''}`;

async function changes(left: string[], right: string[]): Promise<string[]> {
  const result = await compare(side(...left), side(...right), never);
  return [...result.changes].map(say);
}

/** A merged tree of the kernel's, made of the layers, as long as `use` runs. */
function mounted<T>(layers: readonly string[], options: string, use: (merged: string) => T): T {
  const point = at(`point${Math.random()}`);
  mkdirSync(point);
  const lowerdir = [...layers].reverse().join(':');
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${lowerdir}${options}`, point]);
  try {
    return use(point);
  } finally {
    execFileSync('umount', [point]);
  }
}

function upperOf(layers: readonly string[], name: string, change: (merged: string) => void): string {
  for (const folder of ['layer', 'work']) mkdirSync(at(name, folder), { recursive: true });
  mounted(layers, `,upperdir=${at(name, 'layer')},workdir=${at(name, 'work')}`, change);
  return at(name, 'layer');
}

it('tells the five kinds apart, and nothing of what is the same', async () => {
  put(at('base/same/deep/file'), 'same');
  put(at('base/etc/conf'), 'one\n');
  put(at('base/etc/mode'), 'mode');
  put(at('base/etc/time'), 'time');
  put(at('base/gone/a'), 'a');
  put(at('base/kind'), 'a file');
  symlinkSync('here', at('base/link'));
  const top = upperOf([at('base')], 'top', (merged) => {
    put(join(merged, 'etc/conf'), 'two\n');
    chmodSync(join(merged, 'etc/mode'), 0o600);
    utimesSync(join(merged, 'etc/time'), new Date(), new Date());
    rmSync(join(merged, 'gone'), { recursive: true });
    rmSync(join(merged, 'kind'));
    put(join(merged, 'kind/x'), 'x');
    rmSync(join(merged, 'link'));
    symlinkSync('there', join(merged, 'link'));
    setXattr(bytesOf(join(merged, 'same')), 'user.note', 'new');
    put(join(merged, 'srv/new'), 'new');
  });
  const base = [at('base')];
  expect(await changes(base, [...base, top])).toEqual([
    'modified /etc/conf content',
    'metadata /etc/mode mode',
    'metadata /etc/time mtime',
    'removed /gone',
    'removed /gone/a',
    'type /kind',
    'added /kind/x',
    'modified /link target,mtime',
    'metadata /same xattrs',
    'added /srv',
    'added /srv/new',
  ]);
  const { summary } = await compare(side(...base), side(...base, top), never);
  expect(summary).toMatchObject({
    counts: { added: 3, removed: 2, modified: 2, metadata: 3, type: 1 },
    addedBytes: 4,
    removedBytes: 1,
    leftBytes: 10,
    rightBytes: 4,
  });
  expect(await changes([...base, top], [...base, top])).toEqual([]);
});

it('does not walk what both sides have from the same layers', async () => {
  for (let i = 0; i < 300; i++) put(at('base/big', `f${i}`), 'x');
  put(at('one/only'), '1');
  put(at('two/only'), '2');
  const { summary } = await compare(side(at('base'), at('one')), side(at('base'), at('two')), never);
  expect(summary.counts).toMatchObject({ modified: 1, added: 0, removed: 0 });
  expect(summary.names).toBeLessThan(10);
});

it('compares images of buildah with a base in common', async () => {
  const storage = new ContainerStore(scratch);
  put(at('ctx/one'), 'first\n');
  put(at('ctx/two'), 'second\n');
  const image = (base: string, name: string, ...steps: [string, string][]): string[] => {
    const container = storage.buildah('from', base);
    for (const [source, target] of steps) storage.buildah('copy', container, at('ctx', source), target);
    storage.buildah('commit', '--rm', container, `localhost/${name}`);
    const other = storage.buildah('from', `localhost/${name}`);
    const layers = storage.layersOf(other);
    storage.buildah('rm', other);
    return layers;
  };
  image('scratch', 'base', ['one', '/data/file'], ['two', '/data/other']);
  const left = image('localhost/base', 'left', ['one', '/data/left']);
  const right = image('localhost/base', 'right', ['two', '/data/file']);
  expect(left[0]).toBe(right[0]);
  expect(await changes(left, right)).toEqual(['modified /data/file content', 'removed /data/left']);
});

/** What two mounted trees differ in, found with nothing of the engine's. */
function byKernel(left: string, right: string, path = ''): string[] {
  const names = new Set([...readdirSync(join(left, path)), ...readdirSync(join(right, path))]);
  return [...names].sort().flatMap((name) => {
    const below = `${path}/${name}`;
    const [one, other] = [left, right].map((root) => lstatSync(root + below, { throwIfNoEntry: false }));
    const all = (root: string, kind: string): string[] => [
      `${kind} ${below}`,
      ...(lstatSync(root + below).isDirectory() ? allBelow(root, below).map((inside) => `${kind} ${inside}`) : []),
    ];
    if (!one) return all(right, 'added');
    if (!other) return all(left, 'removed');
    if ((one.mode & 0o170000) !== (other.mode & 0o170000)) {
      return [
        `type ${below}`,
        ...(one.isDirectory() ? allBelow(left, below).map((inside) => `removed ${inside}`) : []),
        ...(other.isDirectory() ? allBelow(right, below).map((inside) => `added ${inside}`) : []),
      ];
    }
    const metadata = one.mode !== other.mode || (!one.isDirectory() && one.mtimeMs !== other.mtimeMs);
    if (one.isDirectory()) return [...(metadata ? [`metadata ${below}`] : []), ...byKernel(left, right, below)];
    const same = one.isSymbolicLink()
      ? readlinkSync(left + below) === readlinkSync(right + below)
      : readFileSync(left + below).equals(readFileSync(right + below));
    return same ? (metadata ? [`metadata ${below}`] : []) : [`modified ${below}`];
  });
}

function allBelow(root: string, path: string): string[] {
  return readdirSync(root + path)
    .sort()
    .flatMap((name) => {
      const below = `${path}/${name}`;
      return [below, ...(lstatSync(root + below).isDirectory() ? allBelow(root, below) : [])];
    });
}

describe('random changes, seen by the kernel', () => {
  let state = 1;
  const random = (n: number): number => (state = (state * 48271) % 2147483647) % n;
  const somePath = (): string => Array.from({ length: 1 + random(3) }, () => 'abc'[random(3)]!).join('/');

  function changeAtRandom(root: string): void {
    for (let i = 0; i < 12; i++) {
      const path = join(root, somePath());
      try {
        const what = random(7);
        if (what < 2) put(path, 'xyz'.slice(0, 1 + random(3)));
        else if (what === 2) rmSync(path, { recursive: true });
        else if (what === 3) chmodSync(path, [0o600, 0o755, 0o711][random(3)]!);
        else if (what === 4) symlinkSync(`t${random(3)}`, path);
        else if (what === 5) mkdirSync(path, { recursive: true });
        else renameSync(path, join(root, somePath()));
      } catch {
        // What cannot be done to such a tree is not done.
      }
    }
  }

  it.each(Array.from({ length: 25 }, (_, i) => i + 1))('seed %i', async (seed) => {
    state = seed * 7919;
    mkdirSync(at('base'));
    changeAtRandom(at('base'));
    const middle = upperOf([at('base')], 'middle', changeAtRandom);
    const stacks = ['left', 'right'].map((name) => {
      const below = [at('base'), middle];
      return [...below, upperOf(below, name, changeAtRandom)];
    }) as [string[], string[]];
    const options = ',redirect_dir=follow,metacopy=on';
    const expected = mounted(stacks[0], options, (left) =>
      mounted(stacks[1], options, (right) => byKernel(left, right)),
    );
    const found = (await changes(...stacks)).map((line) => line.split(' ').slice(0, 2).join(' '));
    const isRoot = (line: string): boolean => line.endsWith(' /');
    expect(found.filter((line) => !isRoot(line)).sort()).toEqual(expected.sort());
  });
});

describe('one changed name', () => {
  async function detail(left: string, right: string, path: string): Promise<CompareDetail> {
    const comparison = new Comparison(side(left), side(right));
    const work = comparison.run();
    while (!work.next().done);
    const row = [...comparison.tree.changes()].find((one) => one.path === path)!;
    const found = compareDetail(comparison, row.node);
    comparison.close();
    return found;
  }

  it('shows text by lines', async () => {
    put(at('l/f'), 'a\nb\nc\n');
    put(at('r/f'), 'a\nB\nc\n');
    const { content, attributes } = await detail(at('l'), at('r'), '/f');
    expect(content).toEqual({
      kind: 'text',
      complete: true,
      hunks: [{ leftStart: 1, rightStart: 1, lines: [' a', '-b', '+B', ' c'] }],
    });
    expect(attributes).toEqual([]);
  });

  it('shows bytes from the first difference on', async () => {
    put(at('l/f'), `${'x'.repeat(2_000_000)}\0A`);
    put(at('r/f'), `${'x'.repeat(2_000_000)}\0B`);
    const { content } = await detail(at('l'), at('r'), '/f');
    expect(content).toMatchObject({ kind: 'bytes', offset: 2_000_001 });
    expect(content.kind === 'bytes' && content.right).toMatch(/^001e8480 {2}00 42 .*\.B$/);
  });

  it('shows each attribute with both its values', async () => {
    put(at('l/f'), 'same');
    put(at('r/f'), 'same');
    chmodSync(at('r/f'), 0o4755);
    setXattr(bytesOf(at('l/f')), 'user.old', 'yes');
    execFileSync('chown', ['12:34', at('r/f')]);
    const { content, attributes } = await detail(at('l'), at('r'), '/f');
    // chown(2) takes the setuid bit away again.
    expect(attributes).toEqual([
      { name: 'mode', left: '0644', right: '0755' },
      { name: 'owner', left: '0', right: '12' },
      { name: 'group', left: '0', right: '34' },
      { name: 'user.old', left: 'yes', right: null },
    ]);
    expect(content).toMatchObject({ kind: 'text', hunks: [] });
  });

  it('shows a new file whole, and a link by its target', async () => {
    put(at('l/x'), '');
    put(at('r/new'), 'one\ntwo\n');
    put(at('r/x'), '');
    symlinkSync('a', at('l/s'));
    symlinkSync('b', at('r/s'));
    expect((await detail(at('l'), at('r'), '/new')).content).toMatchObject({ hunks: [{ lines: ['+one', '+two'] }] });
    const { attributes } = await detail(at('l'), at('r'), '/s');
    expect(attributes.find(({ name }) => name === 'target')).toEqual({ name: 'target', left: 'a', right: 'b' });
  });
});

it('folds and filters the tree of changes', async () => {
  put(at('l/a/b/one'), '1');
  put(at('l/a/two'), '2');
  put(at('r/a/b/one'), '1!');
  put(at('r/a/b/new'), 'n');
  put(at('r/c'), 'c');
  const comparison = new Comparison(side(at('l')), side(at('r')));
  const work = comparison.run();
  while (!work.next().done);
  const { tree } = comparison;
  const show = (filter: Partial<Parameters<typeof tree.shown>[0]>): string[] =>
    tree.shown({ kinds: [], text: '', folded: [], ...filter }).map((node) => tree.row(node).path);
  expect(show({})).toEqual(['/a', '/a/b', '/a/b/new', '/a/b/one', '/a/two', '/c']);
  const folder = tree.shown({ kinds: [], text: '', folded: [] })[1]!;
  expect(show({ folded: [folder] })).toEqual(['/a', '/a/b', '/a/two', '/c']);
  expect(show({ kinds: ['removed'] })).toEqual(['/a', '/a/two']);
  expect(show({ kinds: ['added'], text: 'NEW' })).toEqual(['/a', '/a/b', '/a/b/new']);
  expect(show({ kinds: ['added'], text: 'new', folded: [folder] })).toEqual(['/a', '/a/b']);
  expect(tree.row(folder)).toMatchObject({ kind: null, level: 2, below: { added: 1, modified: 1, removed: 0 } });
  comparison.close();
});

it('closes its layers when it is stopped', async () => {
  put(at('l/f'), 'x');
  mkdirSync(at('r'));
  const open = readdirSync('/proc/self/fd').length;
  await expect(compare(side(at('l')), side(at('r')), AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  expect(readdirSync('/proc/self/fd').length).toBe(open);
});
