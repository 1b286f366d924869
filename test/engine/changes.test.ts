// SPDX-License-Identifier: MIT
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EngineOptions } from '@shared/lamina-options';
import { ChangeScan } from '../../src/main/overlay/change-scan';
import { changesOf, settleChanges } from '../../src/main/overlay/changes';
import { discardChanges } from '../../src/main/overlay/discard';
import { planDiscard } from '../../src/main/overlay/discard-plan';
import { lookup } from '../../src/main/overlay/lookup';
import { OverlayStack } from '../../src/main/overlay/stack';
import { mount, unmount } from '../../src/main/system/mount';
import { buildStack, kernelOptions, withKernelMount, type BuiltStack, type StackSpec } from '../support/kernel';
import { changeLine, writeThroughKernel } from '../support/kernel-upper';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file, symlink, type Node } from '../support/tree';

/* The kernel writes the upper; Lamina says what has changed, and takes it back. */

const PLAIN: EngineOptions = { metacopy: false, redirectDir: 'follow', userxattr: false };
const REDIRECT: EngineOptions = { ...PLAIN, redirectDir: 'on' };
const META: EngineOptions = { metacopy: true, redirectDir: 'on', userxattr: false };
const USER: EngineOptions = { metacopy: false, redirectDir: 'nofollow', userxattr: true };

const OLD: [number, number] = [1_000_000_000, 500];
const LOWER = (): Node =>
  dir({
    etc: dir({
      hosts: file('127.0.0.1 localhost\n', { mtime: OLD }),
      motd: file('hello\n', { mtime: OLD, xattrs: { 'user.note': 'one' } }),
      same: file('same\n', { mtime: OLD }),
      empty: file('', { mtime: OLD }),
      link: symlink('hosts'),
    }),
    d: dir({ s: dir({ f: file('deep\n', { mtime: OLD }) }), g: file('g\n', { mtime: OLD }) }),
    gone: dir({ one: file('1\n'), two: file('2\n') }),
    file: file('file\n', { mtime: OLD }),
    tree: dir({ leaf: file('leaf\n') }),
    x: dir({ y: file('y\n', { mtime: OLD }) }),
  });

let at = '';
let built: BuiltStack;

beforeEach(() => {
  at = makeScratch('disk');
});
afterEach(() => removeScratch(at));

function build(spec: Partial<StackSpec> = {}): void {
  mkdirSync(join(at, 's'));
  built = buildStack(join(at, 's'), { upper: dir(), lowers: [LOWER()], data: [], ...spec });
}

function withStack<T>(options: EngineOptions, use: (stack: OverlayStack) => T): T {
  const stack = new OverlayStack(built, options);
  try {
    return use(stack);
  } finally {
    stack.close();
  }
}

const changes = (options = PLAIN): string[] => withStack(options, (stack) => changesOf(stack).map(changeLine));

/** What a fresh kernel mount shows: names, types, modes, owners, sizes, times of files and their content. */
function kernelTree(options: readonly string[]): string {
  const shown = withKernelMount(built, options, (mounted) =>
    execFileSync(
      'sh',
      [
        '-c',
        'find . -type d -printf "%p %y %m %U:%G\\n" -o -printf "%p %y %m %U:%G %s %T@ %l\\n" | sort; find . -type f | sort | xargs sha1sum; getfattr -R -h -m ^user -d . 2>/dev/null',
      ],
      { cwd: mounted, encoding: 'latin1' },
    ),
  );
  if (typeof shown !== 'string') throw shown;
  return shown;
}

const OPERATIONS = `
  echo new > etc/new
  mkdir fresh; echo in > fresh/inside
  echo more >> etc/hosts
  chmod 600 etc/motd; setfattr -n user.note -v two etc/motd
  touch -c -d @7 etc/empty
  : >> etc/same
  ln -sfn motd etc/link
  rm -r gone
  rm file; mkdir file; echo x > file/x
  rm -r tree; mkdir tree; echo other > tree/other
  chmod 700 d
  mkdir -p d/s/made
`;

const EXPECTED = [
  'm /d [mode]',
  'A /d/s/made',
  'm /etc/empty [mtime]',
  'M /etc/hosts [content mtime]',
  'M /etc/link [target mtime]',
  'm /etc/motd [mode xattrs]',
  'A /etc/new',
  'm /etc/same',
  'M /file [type]',
  'A /file/x',
  'A /fresh',
  'A /fresh/inside',
  'D /gone',
  'O /tree',
  'A /tree/other',
];

describe('what the kernel wrote', () => {
  test('an upper of plain options', () => {
    build();
    expect(changes()).toEqual([]);
    writeThroughKernel(built, [], OPERATIONS);
    expect(changes()).toEqual(EXPECTED);
  });

  test('with metacopy=on, changed metadata need no comparison', () => {
    build();
    writeThroughKernel(built, ['metacopy=on'], OPERATIONS);
    expect(changes(META)).toEqual(EXPECTED);
    // Looked at without metacopy, lookup refuses the metacopies, and this is what is told.
    expect(changes()).toContain('M /etc/motd EPERM');
  });

  test('with user.overlay.* attributes', () => {
    build();
    writeThroughKernel(built, ['userxattr'], OPERATIONS);
    expect(changes(USER)).toEqual(EXPECTED);
  });

  test('renames of directories, and renames inside them', () => {
    build();
    writeThroughKernel(built, ['redirect_dir=on'], 'mv d n; mv n/s t; rm n/g; mv x etc/x; chmod 700 etc/x');
    expect(changes(REDIRECT)).toEqual(['R /x -> /etc/x [mode]', 'R /d -> /n', 'D /n/g', 'R /d/s -> /t']);
  });

  test('renames of metacopies, and hard links', () => {
    build();
    writeThroughKernel(built, ['metacopy=on'], 'mv file moved; chmod 600 moved; ln etc/hosts etc/other; mv d/g x/g');
    expect(changes(META)).toEqual([
      'm /etc/hosts',
      'A /etc/hosts -> /etc/other [link]',
      'R /file -> /moved [mode]',
      'R /d/g -> /x/g',
    ]);
  });

  test('a rename onto something, one whose place is taken, and one out of a tree that is deleted', () => {
    build();
    writeThroughKernel(
      built,
      ['redirect_dir=on'],
      'rm gone/*; mv -T d gone; mkdir d; echo n > d/n; mv etc/hosts file; mv tree x/tree; rm -r x/y; mv x/tree q; rm -r x',
    );
    expect(changes(REDIRECT)).toEqual([
      'A /d',
      'A /d/n',
      'D /etc/hosts',
      'M /file [content]',
      'R /d -> /gone [replaces]',
      'R /tree -> /q',
      'D /x',
    ]);
  });

  test('renamed back to its own name, and exchanged', () => {
    build();
    writeThroughKernel(built, ['redirect_dir=on'], 'mv d n; mv n d');
    expect(changes(REDIRECT)).toEqual([]);
  });

  test('a stray whiteout, an unreadable redirect, and names that are no text', () => {
    build({
      upper: dir({
        'caf\xe9\n': file('bytes'),
        stray: { kind: 'char', major: 0, minor: 0, mode: 0 },
        broken: dir({}, { xattrs: { 'trusted.overlay.redirect': 'a/b' } }),
        pure: dir({ w: { kind: 'char', major: 0, minor: 0, mode: 0 } }),
        xw: file('', { xattrs: { 'trusted.overlay.whiteout': '' } }),
        file: file('', { xattrs: { 'trusted.overlay.whiteout': '' } }),
      }),
    });
    expect(changes()).toEqual([
      'A /broken EINVAL',
      'A /caf\xe9\n',
      'D /file',
      'A /pure',
      'W /pure/w',
      'W /stray',
      'W /xw',
    ]);
  });

  test('several lowers, with a metacopy and a redirect among them', () => {
    const meta = { 'trusted.overlay.metacopy': '', 'trusted.overlay.redirect': '/base' };
    build({
      lowers: [
        dir({
          top: { kind: 'file', content: '', hole: 5, xattrs: meta, mtime: OLD },
          sub: dir({ a: file('a\n', { mtime: OLD }) }),
        }),
        dir({ base: file('base\n', { mtime: OLD }), sub: dir({ b: file('b\n') }) }),
      ],
    });
    writeThroughKernel(built, ['metacopy=on'], 'chmod 600 top; : >> base; rm sub/b; mv sub moved');
    expect(changes(META)).toEqual(['m /base', 'R /sub -> /moved', 'D /moved/b', 'm /top [mode]']);
  });
});

const discard = (options: EngineOptions, paths: readonly string[] | null): ReturnType<typeof planDiscard> =>
  withStack(options, (stack) =>
    discardChanges(stack, { paths, token: null, workdir: built.upper!.workdir, tidy: true }),
  );

const SCENARIOS: Readonly<Record<string, [kernel: string[], options: EngineOptions, operations: string]>> = {
  plain: [[], PLAIN, OPERATIONS],
  metacopy: [['metacopy=on'], META, OPERATIONS],
  userxattr: [['userxattr'], USER, OPERATIONS],
  renames: [
    ['redirect_dir=on'],
    REDIRECT,
    'mv d n; mv n/s t; rm n/g; mv x etc/x; chmod 700 etc/x; mkdir box; mv tree box/tree; rm -r gone; mv -T etc/x gone',
  ],
  'metacopies and links': [
    ['metacopy=on'],
    META,
    'mv file moved; chmod 600 moved; ln etc/hosts etc/other; mv d/g x/g; rm etc/motd',
  ],
  'place taken': [
    ['redirect_dir=on'],
    REDIRECT,
    'rm gone/*; mv -T d gone; mkdir d; echo n > d/n; mv etc/hosts file; mv tree x/tree; rm -r x/y; mv x/tree q; rm -r x',
  ],
  'attributes of directories': [
    [],
    PLAIN,
    'chmod 711 d/s; chown 5:6 d/s; setfattr -n user.k -v v d/s; chmod 1777 .; setfattr -n user.r -v r .; echo > d/s/f',
  ],
};

describe('discarding', () => {
  for (const [name, [kernel, options, operations]] of Object.entries(SCENARIOS)) {
    test(`${name}: all at once, and the lower shows again`, () => {
      build();
      const pristine = kernelTree(kernel);
      writeThroughKernel(built, kernel, operations);
      expect(kernelTree(kernel)).not.toBe(pristine);
      discard(options, null);
      expect(changes(options)).toEqual([]);
      expect(readdirSync(join(built.folder, 'u'))).toEqual([]);
      expect(kernelTree(kernel)).toBe(pristine);
    });

    test(`${name}: one by one, and nothing else goes`, () => {
      build();
      const pristine = kernelTree(kernel);
      writeThroughKernel(built, kernel, operations);
      for (;;) {
        const before = withStack(options, (stack) => changesOf(stack));
        const [change] = before.slice(-1);
        if (!change) break;
        const plan = discard(options, [change.path]);
        const gone = new Set(plan.items.flatMap(({ path, removes }) => [path, ...removes]));
        const left = before.filter(({ path }) => ![...gone].some((at) => path === at || path.startsWith(`${at}/`)));
        const now = withStack(options, (stack) => changesOf(stack));
        expect(now.map(({ path }) => path)).toEqual(left.map(({ path }) => path));
      }
      expect(kernelTree(kernel)).toBe(pristine);
    });
  }

  test('a plan says exactly what goes', () => {
    build();
    writeThroughKernel(
      built,
      ['redirect_dir=on'],
      'mkdir -p a/b; printf 12345 > a/b/f; rm file; mv d n; echo > n/new; rm n/g',
    );
    const plan = withStack(REDIRECT, (stack) => planDiscard(stack, ['/a', '/a/b/f', '/n', '/file']));
    expect(plan.items).toEqual([
      {
        path: '/a',
        kind: 'added',
        oldPath: null,
        removes: ['/a'],
        restores: false,
        objects: 3,
        whiteouts: 0,
        bytes: 5,
      },
      {
        path: '/n',
        kind: 'renamed',
        oldPath: '/d',
        removes: ['/d', '/n'],
        restores: false,
        objects: 2,
        whiteouts: 2,
        bytes: 1,
      },
      {
        path: '/file',
        kind: 'deleted',
        oldPath: null,
        removes: ['/file'],
        restores: false,
        objects: 0,
        whiteouts: 1,
        bytes: 0,
      },
    ]);
    expect([plan.objects, plan.whiteouts, plan.bytes]).toEqual([5, 3, 6]);
  });

  test('what was not agreed to stays', () => {
    build();
    writeThroughKernel(built, [], 'mkdir a; echo > a/f');
    const { token } = withStack(PLAIN, (stack) => planDiscard(stack, ['/a']));
    const request = { paths: ['/a'], token, workdir: built.upper!.workdir, tidy: true };
    writeThroughKernel(built, [], 'echo > a/g');
    expect(() => withStack(PLAIN, (stack) => discardChanges(stack, request))).toThrow('has changed since');
    expect(() => withStack(PLAIN, (stack) => planDiscard(stack, ['/b']))).toThrow('nothing has changed there');
    expect(changes()).toEqual(['A /a', 'A /a/f', 'A /a/g']);
  });

  test('no symlink leads out of the upper, and deep trees go', () => {
    build();
    const outside = join(at, 'outside');
    mkdirSync(join(outside, 'kept'), { recursive: true });
    writeThroughKernel(built, [], `ln -s ${outside} l; mkdir -p ${'deep/'.repeat(300)}; ln -s / deep/l`);
    discard(PLAIN, null);
    expect(readdirSync(join(built.folder, 'u'))).toEqual([]);
    expect(readdirSync(outside)).toEqual(['kept']);
  });

  test('on a stack that is open for writing, as a live mount has it', () => {
    build({
      lowers: [dir({ a: file('one\n'), b: { kind: 'link', to: 'a' }, d: dir({ f: file('f\n'), g: file('g\n') }) })],
    });
    const pristine = kernelTree(['index=on']);
    writeThroughKernel(built, ['index=on'], 'echo two >> a; rm d/f; echo > d/n');
    const marks = (): string =>
      execFileSync('getfattr', ['-R', '-h', '-m', '.', '-d', '.'], {
        cwd: join(built.folder, 'u'),
        encoding: 'latin1',
      });
    const write = {
      metacopy: false,
      redirectDir: 'follow',
      index: true,
      xino: 'off',
      uuid: 'auto',
      fsync: 'auto',
    } as const;
    const stack = new OverlayStack(built, PLAIN, write);
    try {
      const before = marks();
      // The copy that the index has of the other name is not mistaken for a change of it.
      expect(changesOf(stack).map(changeLine)).toEqual(['M /a [content mtime]', 'D /d/f', 'A /d/n']);
      expect(marks()).toBe(before);
      const request = { paths: null, token: null, workdir: built.upper!.workdir, tidy: false };
      expect(discardChanges(stack, request).items.flatMap(({ removes }) => removes)).toEqual(['/a', '/d/f', '/d/n']);
      expect(changesOf(stack)).toEqual([]);
      // The mount knows the directory: it stays.
      expect(readdirSync(join(built.folder, 'u'))).toEqual(['d']);
      expect(lookup(stack, stack.root, 'a').upper).toBeNull();
    } finally {
      stack.close();
    }
    expect(kernelTree(['index=on'])).toBe(pristine);
  });

  test('with index=on, a copied-up hard link gives way to the lower again', () => {
    build({ lowers: [dir({ a: file('one\n'), b: { kind: 'link', to: 'a' } })] });
    const pristine = kernelTree(['index=on']);
    writeThroughKernel(built, ['index=on'], 'echo two >> a');
    expect(changes()).toEqual(['M /a [content mtime]']);
    discard(PLAIN, ['/a']);
    expect(kernelTree(['index=on'])).toBe(pristine);
  });

  test('deletions that an index remembers are refused', () => {
    build();
    writeThroughKernel(built, ['nfs_export=on'], 'rm file');
    expect(() => discard(PLAIN, null)).toThrow('nfs_export=on');
  });
});

describe('following a mount that runs', () => {
  const OBJECTS = ['f0', 'f1', 'd0', 'd1', 'd0/f0', 'd0/f1', 'd1/f0', 'd0/d1', 'd0/d1/f0'];

  /** A line of sh that changes something by lot; most fail now and then. */
  function operation(random: (n: number) => number): string {
    const one = (): string => OBJECTS[random(OBJECTS.length)]!;
    const [a, b] = [one(), one()];
    return [
      `echo ${random(9)} > ${a}`,
      `rm -rf ${a}`,
      `mkdir ${a}`,
      `mv -T ${a} ${b}`,
      `chmod 7${random(8)}0 ${a}`,
      `ln -f ${a} ${b}`,
      `ln -sfn ${random(3)} ${a}`,
      `touch ${a}`,
    ][random(8)]!;
  }

  test('finds at every step what a fresh search finds', () => {
    const sub = (): Node => dir({ f0: file('0\n'), f1: file('1\n'), d1: dir({ f0: file('x\n') }) });
    let seed = 7;
    const random = (n: number): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) % n;
    for (let round = 0; round < 6; round++) {
      removeScratch(at);
      mkdirSync(at);
      build({ lowers: [dir({ f0: file('0\n'), d0: sub(), d1: sub() }), dir({ d0: sub(), f1: file('1\n') })] });
      const stack = new OverlayStack(built, META);
      const scan = new ChangeScan(stack);
      const steps: string[] = [];
      const look = (): void => {
        const search = scan.run();
        while (!search.next().done);
        const found = settleChanges(scan).map(changeLine);
        expect(found, steps.join('\n')).toEqual(changes(META));
      };
      const mounted = join(built.folder, 'm');
      mkdirSync(mounted);
      mount('overlay', mounted, 'overlay', 0, kernelOptions(built, ['metacopy=on']));
      try {
        for (let step = 0; step < 60; step++) {
          steps.push(operation(random));
          spawnSync('sh', ['-c', steps.at(-1)!], { cwd: mounted });
          if (step % 3 === 0) look();
        }
        look();
      } finally {
        stack.close();
        if (unmount(mounted, false) !== 0) unmount(mounted, true);
      }
    }
  });

  test('passes over what vanishes while it searches, and looks only at what moved', () => {
    build();
    writeThroughKernel(built, [], 'mkdir many; cd many; for i in $(seq 3000); do echo $i > $i; done');
    withStack(PLAIN, (stack) => {
      const scan = new ChangeScan(stack);
      let search = scan.run();
      search.next();
      execFileSync('sh', ['-c', 'rm many/1*; rm -r many'], { cwd: join(built.folder, 'u') });
      while (!search.next().done);
      expect(settleChanges(scan).length).toBeLessThan(40);
      search = scan.run();
      while (!search.next().done);
      expect(settleChanges(scan)).toEqual([]);
      search = scan.run();
      let last = search.next();
      while (!last.done) last = search.next();
      expect(last.value).toBe(false);
    });
  });
});
