// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { storageRoots, type StorageUser } from '../../../src/main/images/sources/storage-conf';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lamina-conf-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const user = (uid: number, environment: NodeJS.ProcessEnv = {}): StorageUser => ({
  uid,
  environment: { HOME: `${folder}/home`, ...environment },
  etc: `${folder}/etc`,
  share: `${folder}/share`,
});

function conf(path: string, text: string): string {
  const full = join(folder, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, text);
  return full;
}

test('without a file it is where podman has it', () => {
  expect(storageRoots(user(0))).toEqual({
    ...{ driver: 'overlay', root: '/var/lib/containers/storage', runRoot: '/run/containers/storage', additional: [] },
  });
  expect(storageRoots(user(1000))).toMatchObject({
    root: `${folder}/home/.local/share/containers/storage`,
    runRoot: '/run/user/1000/containers',
  });
  expect(storageRoots(user(1000, { XDG_DATA_HOME: '/data', XDG_RUNTIME_DIR: '/r' }))).toMatchObject({
    root: '/data/containers/storage',
    runRoot: '/r/containers',
  });
});

test("the administrator's file counts before the distribution's, and root's store is not the users'", () => {
  conf('share/containers/storage.conf', '[storage]\ngraphroot = "/dist"\n');
  expect(storageRoots(user(0)).root).toBe('/dist');
  conf(
    'etc/containers/storage.conf',
    '[storage]\ndriver = "overlay"\ngraphroot = "/graph"\nrunroot = "/run/x"\nrootless_storage_path = "$HOME/s/$UID"\n' +
      '[storage.options]\nadditionalimagestores = ["/more"]\n[storage.options.overlay]\nmountopt = "nodev"\n',
  );
  expect(storageRoots(user(0))).toEqual({
    driver: 'overlay',
    root: '/graph',
    runRoot: '/run/x',
    additional: ['/more'],
  });
  expect(storageRoots(user(1000))).toMatchObject({
    root: `${folder}/home/s/1000`,
    runRoot: '/run/user/1000/containers',
  });
});

test("a user's own file counts for the user, one of the environment for all", () => {
  conf('home/.config/containers/storage.conf', '[storage]\ngraphroot = "/own"\nrunroot = "/own-run"\n');
  expect(storageRoots(user(1000))).toMatchObject({ root: '/own', runRoot: '/own-run' });
  expect(storageRoots(user(0)).root).toBe('/var/lib/containers/storage');
  const chosen = conf('chosen.conf', '[storage]\ngraphroot = "/chosen"\n');
  expect(storageRoots(user(0, { CONTAINERS_STORAGE_CONF: chosen })).root).toBe('/chosen');
});

test('what a reference names counts before all', () => {
  const place = { driver: 'vfs', root: '/r', runRoot: null };
  expect(storageRoots(user(0), place)).toMatchObject({ driver: 'vfs', root: '/r', runRoot: '/run/containers/storage' });
});

test.each(['[storage', '[storage]\ngraphroot = 3\n'])('a broken file is named: %s', (text) => {
  const path = conf('etc/containers/storage.conf', text);
  expect(() => storageRoots(user(0))).toThrow(
    expect.objectContaining({ code: 'invalid-config', message: expect.stringContaining(path) }),
  );
});
