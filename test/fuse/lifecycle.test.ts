// SPDX-License-Identifier: MIT
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MountInfo } from '@shared/contract';
import { readMountinfo } from '../../src/main/system/mountinfo';
import { lamina, type CliUser } from '../support/cli';
import { TRANSPORTS, type TransportName } from '../support/lamina-mount';
import { asOrdinaryUser } from '../support/ordinary-user';
import { makeScratch, removeScratch } from '../support/scratch';

/* What happens to a mount from its start to its end, by both transports, as root and as an ordinary user. */

interface Place {
  readonly user: CliUser;
  readonly folder: string;
}

const isMounted = (path: string): boolean => readMountinfo().some((mount) => mount.mountpoint === path);
const until = async (what: () => boolean): Promise<void> => {
  for (let i = 0; i < 250 && !what(); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(what()).toBe(true);
};
const leftIn = ({ user }: Place): string[] =>
  existsSync(join(user.runtime, 'lamina')) ? readdirSync(join(user.runtime, 'lamina')) : [];

function own(place: Place, path: string): string {
  if (place.user.uid !== undefined) chownSync(path, place.user.uid, place.user.gid!);
  return path;
}

let made = 0;

/** Two small layers and a mount point. */
function makeCase(place: Place): { options: string; at: string } {
  const base = join(place.folder, `case-${made++}`);
  for (const name of ['', 'a', 'b', 'm']) own(place, (mkdirSync(join(base, name)), join(base, name)));
  for (const [name, content] of [
    ['a/top', 'from a\n'],
    ['b/top', 'from b\n'],
    ['b/base', 'base\n'],
  ]) {
    own(place, (writeFileSync(join(base, name!), content!), join(base, name!)));
  }
  return { options: `lowerdir=${base}/a:${base}/b`, at: join(base, 'm') };
}

/** Reads as the one who mounted: others may not enter an ordinary user's mount, root included. */
function readAs({ user }: Place, path: string): string {
  return execFileSync('cat', [path], {
    encoding: 'utf8',
    ...(user.uid === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
}

function mountsOf({ user }: Place): MountInfo[] {
  return JSON.parse(lamina(user, 'mounts', '--json').stdout) as MountInfo[];
}

function up(place: Place, transport: TransportName): { at: string; pid: number } {
  const { options, at } = makeCase(place);
  const result = lamina(place.user, 'mount', '--transport', transport, '-o', options, at);
  expect(result).toMatchObject({ status: 0, stdout: '' });
  expect(readAs(place, join(at, 'top'))).toBe('from a\n');
  const mount = mountsOf(place).find((info) => info.mountpoint === at)!;
  expect(mount.transport).toBe(transport);
  return { at, pid: mount.pid };
}

function suite(place: () => Place, transport: TransportName): void {
  test('mount returns when it is up, though stdout is a pipe; umount leaves nothing', async () => {
    const { at } = up(place(), transport);
    expect(lamina(place().user, 'umount', at)).toMatchObject({ status: 0, stderr: '' });
    expect(isMounted(at)).toBe(false);
    await until(() => leftIn(place()).length === 0);
  });

  test('unmounted from outside, the process ends and cleans up', async () => {
    const { at, pid } = up(place(), transport);
    const { user } = place();
    if (user.uid === undefined) execFileSync('umount', [at]);
    else execFileSync('fusermount3', ['-u', at], { uid: user.uid, gid: user.gid });
    await until(() => !existsSync(`/proc/${pid}`));
    expect(leftIn(place())).toEqual([]);
  });

  test('SIGTERM unmounts', async () => {
    const { at, pid } = up(place(), transport);
    process.kill(pid, 'SIGTERM');
    await until(() => !existsSync(`/proc/${pid}`));
    expect(isMounted(at)).toBe(false);
    expect(leftIn(place())).toEqual([]);
  });

  test('busy: umount says EBUSY and how to go on; SIGTERM detaches, and open files can be read to the end', async () => {
    const { at, pid } = up(place(), transport);
    const { user } = place();
    const holder = spawn('sh', ['-c', 'exec 3<"$0"; echo open; read line; cat <&3', join(at, 'base')], {
      stdio: 'pipe',
      ...(user.uid === undefined ? {} : { uid: user.uid, gid: user.gid }),
    });
    let output = '';
    holder.stdout.on('data', (data: Buffer) => (output += data.toString()));
    await until(() => output === 'open\n');
    const refused = lamina(user, 'umount', at);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/EBUSY[^]*--lazy/);
    process.kill(pid, 'SIGTERM');
    await until(() => !isMounted(at));
    holder.stdin.end('go\n');
    await until(() => output === 'open\nbase\n');
    await until(() => !existsSync(`/proc/${pid}`));
  });

  test('umount --lazy frees the folder at once, and serves who still is inside', async () => {
    const { at, pid } = up(place(), transport);
    const { user } = place();
    const ids = user.uid === undefined ? {} : { uid: user.uid, gid: user.gid };
    const inside = spawn('sh', ['-c', 'cd "$0" && echo in && read line && cat base', at], { stdio: 'pipe', ...ids });
    let output = '';
    inside.stdout.on('data', (data: Buffer) => (output += data.toString()));
    await until(() => output === 'in\n');
    expect(lamina(user, 'umount', '--lazy', at).status).toBe(0);
    expect(mountsOf(place())).toEqual([]);
    const { options } = makeCase(place());
    expect(lamina(user, 'mount', '--transport', transport, '-o', options, at).status).toBe(0);
    inside.stdin.end('go\n');
    await until(() => output === 'in\nbase\n');
    await until(() => !existsSync(`/proc/${pid}`));
    expect(readAs(place(), join(at, 'top'))).toBe('from a\n');
    expect(lamina(user, 'umount', at).status).toBe(0);
  });

  test('killed: the dead mount point, the socket and the record are cleared at the next start', async () => {
    const { at, pid } = up(place(), transport);
    process.kill(pid, 'SIGKILL');
    await until(() => !existsSync(`/proc/${pid}`));
    expect(isMounted(at)).toBe(true);
    const cleared = lamina(place().user, 'mounts');
    expect(cleared.stderr).toContain('was killed');
    expect(cleared.stdout).toBe('');
    expect(isMounted(at)).toBe(false);
    expect(leftIn(place())).toEqual([]);
  });

  test('a second mount on the same folder is refused by name', () => {
    const { at } = up(place(), transport);
    const { options } = makeCase(place());
    const second = lamina(place().user, 'mount', '-o', options, at);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(at);
    expect(second.stderr).toMatch(/umount/);
    expect(lamina(place().user, 'umount', at).status).toBe(0);
  });

  test('what cannot be mounted is said with its path and the way out, and leaves nothing', () => {
    const { user, folder } = place();
    const { at, options } = makeCase(place());
    const missing = lamina(user, 'mount', '--transport', transport, '-o', `lowerdir=${folder}/none:${folder}`, at);
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain(`${folder}/none`);
    expect(missing.stderr).not.toMatch(/\bat .*:\d+:\d+/);
    const nowhere = lamina(user, 'mount', '--transport', transport, '-o', options, `${folder}/nowhere`);
    expect(nowhere.status).toBe(1);
    expect(nowhere.stderr).toContain('nowhere');
    expect(isMounted(at)).toBe(false);
  });
}

describe.each(TRANSPORTS)('as root by %s', (transport) => {
  let folder = '';
  beforeAll(() => {
    folder = makeScratch('disk');
    mkdirSync(join(folder, 'run'));
  });
  afterAll(() => removeScratch(folder));
  suite(() => ({ user: { runtime: join(folder, 'run') }, folder }), transport);

  test('foreground: -f stays until the mount ends', async () => {
    const place = { user: { runtime: join(folder, 'run') }, folder };
    const { options, at } = makeCase(place);
    const child = spawn(
      process.execPath,
      ['out/main/cli.js', 'mount', '-f', '--transport', transport, '-o', options, at],
      {
        env: { ...process.env, LAMINA_RUNTIME_DIR: place.user.runtime },
        stdio: 'ignore',
      },
    );
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await until(() => isMounted(at) && existsSync(join(at, 'top')));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(isMounted(at)).toBe(false);
  });
});

describe.each(TRANSPORTS)('as an ordinary user by %s', (transport) => {
  let ordinary: ReturnType<typeof asOrdinaryUser>;
  beforeAll(() => {
    ordinary = asOrdinaryUser();
  });
  afterAll(() => ordinary.done());
  suite(() => ordinary, transport);

  test('a layer that may not be read is refused by name; a directory in one is said to be so', () => {
    const { options, at } = makeCase(ordinary);
    const { user } = ordinary;
    const closed = join(at, '..', 'closed');
    mkdirSync(closed, { mode: 0o700 });
    mkdirSync(join(at, '..', 'a', 'secret'), { mode: 0o700 });
    const refused = lamina(user, 'mount', '--transport', transport, '-o', `${options}:${closed}`, at);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/closed.*EACCES/);
    const listed = lamina(user, 'ls', '-o', options, '/secret');
    expect(listed.status).toBe(1);
    expect(listed.stderr).toMatch(/a\/secret.*EACCES/);
    expect(listed.stderr).not.toContain('defect');
  });
});
