// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMountinfo } from '../../src/main/system/mountinfo';
import { lamina } from '../support/cli';
import { EXT4, hasLoopDevices, LoopImage, run } from '../support/loop-image';
import { TRANSPORTS } from '../support/lamina-mount';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file } from '../support/tree';
import { onKernel, writableStack } from '../support/writable-stack';

/* Who may have an upper: one mount, and the next one only when the first is gone, however it went. */

let folder = '';
let made = 0;
beforeAll(() => {
  folder = makeScratch('disk');
});
afterAll(() => removeScratch(folder));

interface Place {
  readonly user: { readonly runtime: string };
  readonly options: string;
  readonly at: (name: string) => string;
  readonly built: ReturnType<typeof writableStack>;
}

function place(upperIn?: string): Place {
  const base = join(folder, String(made++));
  const built = writableStack(base, dir(), dir({ f: file('f\n'), d: dir() }), upperIn);
  const { path, workdir } = built.upper!;
  return {
    built,
    user: { runtime: join(base, 'run') },
    options: `lowerdir=${base}/l0,upperdir=${path},workdir=${workdir}`,
    at: (name) => (mkdirSync(join(base, name), { recursive: true }), join(base, name)),
  };
}

const isMounted = (at: string): boolean => readMountinfo().some(({ mountpoint }) => mountpoint === at);
const pidOf = ({ user }: Place, at: string): number =>
  (JSON.parse(lamina(user, 'mounts', '--json').stdout) as { mountpoint: string; pid: number }[]).find(
    ({ mountpoint }) => mountpoint === at,
  )!.pid;

describe.each(TRANSPORTS)('an upper that a mount by %s has', (transport) => {
  test('is refused by the name of that mount, as is its workdir; after a kill the next mount has it', async () => {
    const here = place();
    const { user, options, at } = here;
    const first = at('first');
    expect(lamina(user, 'mount', '--transport', transport, '-o', options, first)).toMatchObject({ status: 0 });
    const pid = pidOf(here, first);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toMatch(new RegExp(`^lamina: ${first}\0`));
    for (const other of TRANSPORTS) {
      const second = lamina(user, 'mount', '--transport', other, '-o', options, at('second'));
      expect(second.status).toBe(1);
      expect(second.stderr).toContain(`is in use by another mount: process ${pid} (lamina: ${first})`);
      expect(isMounted(at('second'))).toBe(false);
    }
    mkdirSync(join(here.built.folder, 'other'));
    const sameWork = options.replace(/upperdir=[^,]*/, `upperdir=${here.built.folder}/other`);
    const third = lamina(user, 'mount', '--transport', transport, '-o', sameWork, at('second'));
    expect(third.stderr).toMatch(/The workdir .* is in use by another mount: process \d+ \(lamina: /);

    process.kill(pid, 'SIGKILL');
    for (let i = 0; i < 200 && existsSync(`/proc/${pid}`); i++) await new Promise((done) => setTimeout(done, 20));
    const again = lamina(user, 'mount', '--transport', transport, '-o', options, first);
    expect(again).toMatchObject({ status: 0 });
    expect(again.stderr).toContain('was killed; its dead mount point');
    expect(readFileSync(join(first, 'f'), 'utf8')).toBe('f\n');
    expect(lamina(user, 'umount', first).status).toBe(0);
  });
});

test("an upper that the kernel's overlayfs has is refused by the name of its mount", async () => {
  const { user, options, at, built } = place();
  await onKernel(built, [], (kernel) => {
    const refused = lamina(user, 'mount', '-o', options, at('m'));
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(`is in use by another mount: overlay on ${kernel}`);
  });
  expect(lamina(user, 'mount', '-o', options, at('m')).status).toBe(0);
  expect(lamina(user, 'umount', at('m')).status).toBe(0);
});

describe.skipIf(!hasLoopDevices)('an upper that is read-only', () => {
  test('is refused with the way out; read-only it is mounted', () => {
    const base = join(folder, String(made++));
    mkdirSync(base);
    const image = new LoopImage(base, 'image', 8 << 20, [...EXT4]);
    try {
      const { user, options, at } = place(image.at);
      image.remount('ro');
      const refused = lamina(user, 'mount', '-o', options, at('m'));
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/read-only.*EROFS[^]*-o ro/);
      expect(isMounted(at('m'))).toBe(false);
      expect(lamina(user, 'mount', '-o', `ro,${options}`, at('m'))).toMatchObject({ status: 0 });
      expect(readFileSync(join(at('m'), 'f'), 'utf8')).toBe('f\n');
      expect(lamina(user, 'umount', at('m')).status).toBe(0);
    } finally {
      image.remove();
    }
  });

  test('made so under a mount: EROFS as the kernel gives it, a line in the log, and on it goes when it is writable', async () => {
    const base = join(folder, String(made++));
    mkdirSync(base);
    const images = ['kernel', 'lamina'].map((name) => new LoopImage(base, name, 8 << 20, [...EXT4]));
    const work = (image: LoopImage, at: string): string[] => {
      const tries = [
        ['touch', '-c', `${at}/f`],
        ['mkdir', `${at}/d/new`],
        ['rm', `${at}/f`],
        ['mv', `${at}/f`, `${at}/g`],
        ['sh', '-c', 'echo x > "$0"', `${at}/new`],
      ] as const;
      const attempt = ([program, ...words]: readonly [string, ...string[]]): string => {
        try {
          execFileSync(program, words, { stdio: 'pipe' });
          return 'done';
        } catch (error) {
          return /Read-only file system/.test(String(error)) ? 'EROFS' : String(error);
        }
      };
      image.remount('ro');
      const during = tries.map(attempt);
      image.remount('rw');
      return [...during, ...tries.slice(0, 2).map(attempt)];
    };
    try {
      const [byKernel, byLamina] = images.map((image) => place(image.at)) as [Place, Place];
      const wanted = await onKernel(byKernel.built, [], (at) => work(images[0]!, at));
      const { user, options, at } = byLamina;
      expect(lamina(user, 'mount', '-o', options, at('m')).status).toBe(0);
      const found = work(images[1]!, at('m'));
      expect(found).toEqual(wanted);
      expect(found).toEqual(['EROFS', 'EROFS', 'EROFS', 'EROFS', 'EROFS', 'done', 'done']);
      const log = run('sh', '-c', 'cat "$0"/lamina/*.log', user.runtime);
      expect(log).toMatch(/Z MKDIR \/d\/new: EROFS/);
      expect(lamina(user, 'umount', at('m')).status).toBe(0);
    } finally {
      for (const image of images) image.remove();
    }
  });
});
