// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytesOf } from '@shared/bytes';
import { closeFile, O_PATH, openPath } from '../../src/main/system/files';
import { getXattrAt } from '../../src/main/system/xattr';
import { asOrdinaryUser } from '../support/ordinary-user';
import { entry, pax, tar } from '../support/tar-bytes';

/* Layers unpacked by an ordinary user: alone, as root of a namespace of its one id, and of one with subordinate ids. */
const PROGRAM = 'out/test/unpack-program.js';
const SUBORDINATES = 'lamina-test:2000000:65536\n';

/** cap_net_raw+ep, as setcap(8) writes it (VFS_CAP_REVISION_2). */
const CAPABILITY = `\x01\0\0\x02\0\x20${'\0'.repeat(14)}`;

const LAYER = tar(
  entry({ name: './', type: '5', mode: 0o755 }),
  entry({ name: 'su', mode: 0o4755, uid: 12, gid: 34, content: 'x' }),
  entry({ name: 'ro/', type: '5', mode: 0o555, uid: 7 }),
  entry({ name: 'ro/f', mode: 0o400, content: 'y' }),
  entry({ name: 'null', type: '3', mode: 0o666, major: 1, minor: 3 }),
  entry({ name: 'link', type: '2', linkName: 'su', uid: 9 }),
  entry({ name: 'hard', type: '1', linkName: 'su' }),
  entry({ name: '.wh.gone' }),
  entry({ name: 'ro/.wh..wh..opq' }),
  pax({
    'SCHILY.xattr.security.capability': CAPABILITY,
    'SCHILY.xattr.security.evm': 'x',
    'SCHILY.xattr.trusted.t': 't',
    'SCHILY.xattr.user.u': 'u',
  }),
  entry({ name: 'attributes' }),
);
/** Of root alone, which any namespace has. */
const PLAIN = tar(
  entry({ name: 'f', mode: 0o4755, content: 'x' }),
  entry({ name: 'd/', type: '5', mode: 0o2755 }),
  entry({ name: '.wh.x' }),
);

let ordinary: ReturnType<typeof asOrdinaryUser>;
let subordinates: Record<string, string>;

beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@shared': resolve('src/shared') } },
    build: {
      ssr: 'test/support/unpack-program.ts',
      outDir: 'out/test',
      target: 'node20',
      rollupOptions: { external: ['koffi'] },
    },
  });
  ordinary = asOrdinaryUser();
  subordinates = {};
  for (const path of ['/etc/subuid', '/etc/subgid']) {
    subordinates[path] = readFileSync(path, 'utf8');
    if (!subordinates[path].includes('lamina-test:')) appendFileSync(path, SUBORDINATES);
  }
});

afterAll(() => {
  for (const [path, text] of Object.entries(subordinates)) writeFileSync(path, text);
  ordinary.done();
  rmSync('out/test', { recursive: true, force: true });
});

interface Outcome {
  readonly isSame?: boolean;
  readonly code?: string;
  readonly message?: string;
}

/** Runs the program as the ordinary user, behind a command that makes a namespace. */
function run(layer: Buffer, name: string, owners: 'real' | 'recorded', before: readonly string[] = []): Outcome {
  const { user, folder } = ordinary;
  const place = `${folder}/${name}`;
  mkdirSync(place, { mode: 0o777 });
  chmodSync(place, 0o777);
  writeFileSync(`${place}/layer.tar`, layer);
  const words = [
    ...before,
    process.execPath,
    `${user.checkout}/${PROGRAM}`,
    `${place}/layer.tar`,
    place,
    'user',
    owners,
  ];
  const { stdout, stderr } = spawnSync(words[0]!, words.slice(1), {
    encoding: 'utf8',
    uid: user.uid,
    gid: user.gid,
    cwd: '/',
    env: { PATH: process.env['PATH'] },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Outcome;
}

function attribute(path: string, name: string): string | number {
  const fd = openPath(bytesOf(path), O_PATH);
  const value = getXattrAt(fd, '', name);
  closeFile(fd);
  return value;
}

describe('an ordinary user', () => {
  it('unpacks with recorded owners, and rebuilds', () => {
    expect(run(LAYER, 'alone', 'recorded')).toEqual({ isSame: true });
    const layer = `${ordinary.folder}/alone/layer`;
    expect(statSync(`${layer}/su`).uid).toBe(ordinary.user.uid);
    expect(attribute(`${layer}/su`, 'user.containers.override_stat')).toBe('12:34:4755:file');
    expect(attribute(`${layer}/null`, 'user.containers.override_stat')).toBe('0:0:0666:char-1-3');
    expect(attribute(`${layer}/attributes`, 'user.containers.override_security.capability')).toBe(CAPABILITY);
    expect(attribute(`${layer}/ro`, 'user.overlay.opaque')).toBe('y');
    // The kernel lets anybody make a whiteout.
    expect(statSync(`${layer}/gone`).isCharacterDevice()).toBe(true);
  });

  it('is told which entry has an owner that it may not give', () => {
    expect(run(LAYER, 'refused', 'real')).toMatchObject({ code: 'EPERM', message: /^Layer sha256:test, entry \.\/: / });
  });

  it('unpacks real owners as root of a namespace, as far as its ids go', () => {
    const alone = ['unshare', '--user', '--map-root-user'];
    expect(run(PLAIN, 'root', 'real', alone)).toEqual({ isSame: true });
    expect(statSync(`${ordinary.folder}/root/layer/f`).mode & 0o7777).toBe(0o4755);
    expect(run(LAYER, 'root-refused', 'real', alone)).toMatchObject({ code: 'EINVAL', message: /entry su: / });
  });

  it('unpacks all owners in a namespace with subordinate ids, and leaves devices out', () => {
    const many = ['unshare', '--user', '--map-root-user', '--map-auto'];
    expect(run(LAYER, 'many', 'real', many)).toEqual({ isSame: true });
    expect(existsSync(`${ordinary.folder}/many/layer/null`)).toBe(false);
    // The kernel adds who is root of the namespace.
    expect(attribute(`${ordinary.folder}/many/layer/attributes`, 'security.capability')).toHaveLength(24);
    expect(statSync(`${ordinary.folder}/many/layer/su`).uid).toBe(2_000_000 + 11);
  });
});
