// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mount, unmount } from '../../src/main/system/mount';
import { lamina, type CliResult } from '../support/cli';
import { buildStack, kernelOptions, withKernelMount, type BuiltStack } from '../support/kernel';
import { writeThroughKernel } from '../support/kernel-upper';
import { asOrdinaryUser } from '../support/ordinary-user';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file, makeTree } from '../support/tree';

/* `lamina diff`, `discard` and `volatile`, built, on uppers that the kernel wrote. */

let at = '';
let built: BuiltStack;
let options = '';

beforeEach(() => {
  at = makeScratch('disk');
  mkdirSync(join(at, 's'));
  built = buildStack(join(at, 's'), {
    upper: dir(),
    lowers: [dir({ a: file('a\n'), d: dir({ f: file('f\n') }), 'b\xff': file('b\n') })],
    data: [],
  });
  options = kernelOptions(built, ['redirect_dir=on']);
});
afterEach(() => removeScratch(at));

const run = (...args: string[]): CliResult => lamina({ runtime: join(at, 'run') }, ...args);
const said = (...args: string[]): string => {
  const { status, stdout, stderr } = run(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};

describe('lamina diff', () => {
  test('tells a change a line, and the same as JSON', () => {
    expect(said('diff', '-o', options)).toBe('');
    writeThroughKernel(
      built,
      ['redirect_dir=on'],
      'echo x >> a; mv d e; rm b*; mkdir n; touch "n/two words"; chmod 700 e',
    );
    expect(said('diff', '-o', options).split('\n')).toEqual([
      'M /a [content]',
      'D /b\\xff',
      'R /d -> /e [mode]',
      'A /n',
      'A /n/two words',
      '',
    ]);
    expect((JSON.parse(said('diff', '--json', '-o', options)) as object[])[2]).toEqual({
      letter: 'R',
      path: '/e',
      kind: 'renamed',
      type: 'directory',
      size: 0,
      differs: ['mode'],
      oldPath: '/d',
      error: null,
    });
  });

  test("asks for the mount point of a live mount of Lamina's", () => {
    const point = join(built.folder, 'm');
    mkdirSync(point);
    run('mount', '-o', options, point);
    try {
      writeFileSync(join(point, 'new'), 'through the mount');
      expect(said('diff', point)).toBe('A /new\n');
      expect(said('diff', `${point}/`, '--json')).toContain('"size": 17');
      expect(run('diff', point, 'more').status).toBe(2);
      expect(run('volatile', '--discard', '--yes', '-o', options).stderr).toContain(
        `The mount on ${point} has the upper`,
      );
    } finally {
      said('umount', point);
    }
    expect(run('diff', point).status).toBe(1);
    expect(said('diff', '-o', options)).toBe('A /new\n');
  });

  test('says what is wrong', () => {
    expect(run('diff').stderr).toContain('-o OPTIONS or MOUNTPOINT is missing');
    expect(run('diff', '-o', `lowerdir=${built.lowers[0]!.path}:${at}`)).toMatchObject({ status: 1 });
    expect(run('diff', '-o', `lowerdir=${built.lowers[0]!.path}:${at}`).stderr).toContain('has no upper');
    expect(run('diff', at).stderr).toContain("is not a live mount of Lamina's");
  });
});

describe('lamina discard', () => {
  test('says what goes, and takes it away when told to', () => {
    writeThroughKernel(built, ['redirect_dir=on'], 'echo x >> a; mv d e; echo 123 > e/n');
    const plan = 'R /d -> /e [2 objects, 1 whiteout, 4 bytes]\nIn all: 2 objects and 1 whiteout, 4 bytes.\n';
    expect(run('discard', '-o', options, '/e')).toEqual({
      status: 1,
      stdout: plan,
      stderr: 'lamina: Nothing was removed. Add --yes to do it.\n',
    });
    expect(said('discard', '--dry-run', '-o', options, 'e/')).toBe(plan);
    expect(said('diff', '-o', options)).toBe('M /a [content]\nR /d -> /e\nA /e/n\n');
    expect(said('discard', '--yes', '-o', options, '/e')).toBe(plan);
    expect(said('diff', '-o', options)).toBe('M /a [content]\n');
    said('discard', '--all', '--yes', '-o', options);
    expect(readdirSync(built.upper!.path)).toEqual([]);
    expect(run('discard', '--yes', '-o', options, '/a').stderr).toContain('nothing has changed there');
    expect(run('discard', '-o', options).status).toBe(2);
    expect(run('discard', '-o', options, '--all', '/a').status).toBe(2);
  });

  test('sees a mount in another namespace, as that of a container', async () => {
    const mounted = join(built.folder, 'm');
    mkdirSync(mounted);
    const script = `mount -t overlay overlay -o ${kernelOptions(built, [])} ${mounted} && echo up && exec sleep 60`;
    const holder = spawn('unshare', ['-m', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(holder.stdout, 'data');
      expect(run('discard', '--all', '--yes', '-o', options).stderr).toContain('The kernel has an overlay on');
    } finally {
      holder.kill();
      await once(holder, 'exit');
    }
  });

  test("leaves an upper alone that the kernel's overlay writes to", () => {
    const mounted = join(built.folder, 'm');
    mkdirSync(mounted);
    mount('overlay', mounted, 'overlay', 0, kernelOptions(built, []));
    try {
      writeFileSync(join(mounted, 'new'), '');
      const { status, stderr } = run('discard', '--all', '--yes', '-o', options);
      expect(status).toBe(1);
      expect(stderr).toContain(`The kernel has an overlay on ${mounted} that writes to ${built.upper!.path} (EBUSY).`);
      // Looking is allowed.
      expect(said('diff', '-o', options)).toBe('A /new\n');
    } finally {
      unmount(mounted, false);
    }
  });
});

test("an ordinary user discards what is his, over lowers of root's", () => {
  const { user, folder, done } = asOrdinaryUser();
  try {
    const as = (...args: string[]): CliResult => lamina(user, ...args);
    chmodSync(folder, 0o755);
    makeTree(`${folder}/l`, dir({ f: file('f\n'), d: dir({ g: file('g\n') }, { mode: 0o700 }) }));
    for (const name of ['u', 'w']) {
      mkdirSync(join(folder, name));
      chownSync(join(folder, name), user.uid, user.gid);
    }
    const theirs = `lowerdir=${folder}/l,upperdir=${folder}/u,workdir=${folder}/w,userxattr`;
    makeTree(`${folder}/u/new`, file('new\n', { uid: user.uid, gid: user.gid }));
    expect(as('diff', '-o', theirs).stdout).toBe('m / [owner, group]\nA /new\n');
    expect(as('discard', '--yes', '-o', theirs, '/').stderr).toContain('only root can give it the owner');
    expect(as('discard', '--all', '--yes', '-o', theirs)).toMatchObject({ status: 0, stderr: '' });
    expect(as('diff', '-o', theirs).stdout).toBe('m / [owner, group]\n');
  } finally {
    done();
  }
});

describe('lamina volatile', () => {
  const marker = (): string => join(built.upper!.workdir, 'work/incompat/volatile');
  const isRefused = (): boolean => withKernelMount(built, [], () => true) !== true;

  beforeEach(() => {
    expect(said('volatile', '-o', options)).toContain('has no marker of a volatile mount');
    writeThroughKernel(built, ['volatile'], 'echo 12345 > n; rm a');
    expect(existsSync(marker())).toBe(true);
    expect(isRefused()).toBe(true);
  });

  test('accepts an upper: the marker goes, the files stay', () => {
    const told = said('volatile', '-o', options);
    expect(told).toContain('was written by a volatile mount');
    expect(told).toContain('It holds 2 objects, 6 bytes.');
    expect(JSON.parse(said('volatile', '--json', '-o', options))).toMatchObject({
      volatile: true,
      objects: 2,
      bytes: 6,
    });
    said('volatile', '--accept', '-o', options);
    expect(isRefused()).toBe(false);
    expect(said('diff', '-o', options)).toBe('D /a\nA /n\n');
    expect(run('volatile', '--accept', '-o', options).stderr).toContain('has no marker');
  });

  test('discards an upper: all of it goes, and the lower shows again', () => {
    expect(run('volatile', '--discard', '-o', options).status).toBe(1);
    expect(said('diff', '-o', options)).not.toBe('');
    said('volatile', '--discard', '--yes', '-o', options);
    expect(readdirSync(built.upper!.path)).toEqual([]);
    expect(isRefused()).toBe(false);
    expect(said('diff', '-o', options)).toBe('');
  });
});
