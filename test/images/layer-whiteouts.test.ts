// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf } from '@shared/bytes';
import { getXattrAt } from '../../src/main/system/xattr';
import { closeFile, O_PATH, openPath } from '../../src/main/system/files';
import { ERRNO } from '../../src/main/system/libc';
import { makeScratch, removeScratch } from '../support/scratch';
import { entry, pax, tar } from '../support/tar-bytes';
import { rebuilt, unpack, type Unpacked } from '../support/unpacking';

/* The kernel's own overlayfs is asked what an unpacked layer takes away from the one below. */
let scratch: string;
let mounted: string[];

beforeEach(() => {
  scratch = makeScratch('disk');
  mounted = [];
});

afterEach(() => {
  for (const path of mounted.reverse()) execFileSync('umount', [path]);
  removeScratch(scratch);
});

const file = (name: string, content = ''): Buffer => entry({ name, content });
const directory = (name: string): Buffer => entry({ name, type: '5', mode: 0o755 });

function mount(name: string, options: string): string {
  const path = `${scratch}/${name}`;
  mkdirSync(path);
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, path]);
  mounted.push(path);
  return path;
}

/** Unpacks layers, the lowest first, and mounts them all. */
async function merged(...layers: Buffer[]): Promise<{ path: string; parts: Unpacked[] }> {
  const parts: Unpacked[] = [];
  for (const [i, layer] of layers.entries()) parts.push(await unpack(layer, scratch, `l${i}`));
  // The kernel wants two lowers.
  mkdirSync(`${scratch}/none`);
  const lowers = parts.map(({ folder }) => folder).reverse();
  return { path: mount('merged', `ro,lowerdir=${lowers.join(':')}:${scratch}/none`), parts };
}

/** Value of an attribute, or null where there is none. */
function attribute(path: string, name: string): string | null {
  const fd = openPath(bytesOf(path), O_PATH);
  const value = getXattrAt(fd, '', name);
  closeFile(fd);
  if (typeof value === 'string') return value;
  expect(value).toBe(-ERRNO.ENODATA);
  return null;
}

const BELOW = tar(
  directory('d/'),
  file('d/a', 'a'),
  file('d/b', 'b'),
  file('f', 'f'),
  directory('e/'),
  file('e/x', 'x'),
);

describe('whiteouts of a layer', () => {
  it('take names away from the layers below', async () => {
    const { path } = await merged(BELOW, tar(file('.wh.f'), file('d/.wh.a')));
    expect(readdirSync(path).sort()).toEqual(['d', 'e']);
    expect(readdirSync(`${path}/d`)).toEqual(['b']);
  });

  it('make directories opaque, before or after what the layer has in them', async () => {
    const { path } = await merged(
      BELOW,
      tar(file('d/.wh..wh..opq'), file('d/new', 'n'), directory('e/'), file('e/new', 'n'), file('e/.wh..wh..opq')),
    );
    expect(readdirSync(`${path}/d`)).toEqual(['new']);
    expect(readdirSync(`${path}/e`)).toEqual(['new']);
  });

  it('leave what the layer itself has under the name', async () => {
    const layer = tar(
      file('.wh.f'),
      file('f', 'new'),
      file('.wh.d'),
      directory('d/'),
      file('d/n', 'n'),
      directory('e/'),
      file('.wh.e'),
    );
    const { path, parts } = await merged(BELOW, layer);
    expect(readFileSync(`${path}/f`, 'latin1')).toBe('new');
    expect(readdirSync(`${path}/d`)).toEqual(['n']);
    expect(readdirSync(`${path}/e`)).toEqual([]);
    expect((await rebuilt(parts[1]!)).equals(layer)).toBe(true);
  });

  it('may speak of the names in a removed directory too', async () => {
    const { path } = await merged(BELOW, tar(file('.wh.d'), file('d/.wh.a'), file('d/.wh..wh..opq')));
    // The opaque mark says that the directory is there, and empty.
    expect(readdirSync(`${path}/d`)).toEqual([]);
    const other = await unpack(tar(file('.wh.d'), file('d/.wh.a')), scratch, 'other');
    expect(lstatSync(`${other.folder}/d`).isCharacterDevice()).toBe(true);
  });

  it('are skipped where aufs left its own names, and kept in the record with what they hold', async () => {
    const layer = tar(
      directory('.wh..wh.plnk/'),
      file('.wh..wh.plnk/1.2', 'content'),
      file('.wh..wh.aufs'),
      file('.wh.x', 'odd'),
      file('y', 'y'),
    );
    const unpacked = await unpack(layer, scratch);
    expect(readdirSync(unpacked.folder).sort()).toEqual(['x', 'y']);
    expect((await rebuilt(unpacked)).equals(layer)).toBe(true);
  });

  it('become attributes where the file system refuses devices', async () => {
    for (const name of ['low', 'up', 'work']) mkdirSync(`${scratch}/${name}`);
    const layer = tar(
      directory('d/'),
      file('d/.wh.a'),
      file('d/n', 'n'),
      file('.wh.f'),
      file('.wh.e'),
      directory('e/'),
    );
    // An overlay lets nobody make whiteouts through it.
    const top = mount('top', `lowerdir=${scratch}/low,upperdir=${scratch}/up,workdir=${scratch}/work`);
    const unpacked = await unpack(layer, top, 'layer', { names: 'user' });
    expect(statSync(`${unpacked.folder}/d/a`).size).toBe(0);
    expect(attribute(`${unpacked.folder}/d/a`, 'user.overlay.whiteout')).toBe('y');
    expect(attribute(`${unpacked.folder}/d`, 'user.overlay.opaque')).toBe('x');
    expect(attribute(`${unpacked.folder}/e`, 'user.overlay.opaque')).toBe('y');
    expect((await rebuilt(unpacked)).equals(layer)).toBe(true);
    const below = await unpack(BELOW, scratch, 'below');
    const path = mount('merged', `ro,userxattr,lowerdir=${unpacked.folder}:${below.folder}`);
    expect(readdirSync(`${path}/d`).sort()).toEqual(['b', 'n']);
    expect(existsSync(`${path}/f`)).toBe(false);
    expect(readdirSync(`${path}/e`)).toEqual([]);
  });
});

describe("attributes that are the overlay's own", () => {
  it('are shown as the image has them, and do nothing', async () => {
    const smuggled = tar(
      pax({ 'SCHILY.xattr.trusted.overlay.redirect': '/d', 'SCHILY.xattr.trusted.overlay.opaque': 'y' }),
      directory('e/'),
      pax({ 'SCHILY.xattr.trusted.overlay.metacopy': '', 'SCHILY.xattr.trusted.overlay.redirect': '/d/a' }),
      file('f', 'own'),
      pax({ 'SCHILY.xattr.user.overlay.opaque': 'y', 'SCHILY.xattr.user.plain': 'v' }),
      directory('d/'),
    );
    const { path, parts } = await merged(BELOW, smuggled);
    expect(readdirSync(`${path}/e`)).toEqual(['x']);
    expect(readFileSync(`${path}/f`, 'latin1')).toBe('own');
    expect(readdirSync(`${path}/d`).sort()).toEqual(['a', 'b']);
    expect(attribute(`${path}/e`, 'trusted.overlay.redirect')).toBe('/d');
    expect(attribute(`${parts[1]!.folder}/e`, 'trusted.overlay.redirect')).toBe(null);
    expect(attribute(`${path}/d`, 'user.plain')).toBe('v');
    expect((await rebuilt(parts[1]!)).equals(smuggled)).toBe(true);
  });

  it('of the other namespace are data', async () => {
    const layer = tar(pax({ 'SCHILY.xattr.user.overlay.opaque': 'y', 'SCHILY.xattr.trusted.x': 'y' }), directory('d/'));
    const trusted = await unpack(layer, scratch, 'trusted');
    expect(attribute(`${trusted.folder}/d`, 'user.overlay.opaque')).toBe('y');
    const user = await unpack(layer, scratch, 'user', { names: 'user' });
    expect(attribute(`${user.folder}/d`, 'user.overlay.opaque')).toBe(null);
    expect(attribute(`${user.folder}/d`, 'user.overlay.overlay.opaque')).toBe('y');
  });
});

describe('recorded owners', () => {
  it('stand in the attribute that containers/storage and fuse-overlayfs read', async () => {
    const layer = tar(
      entry({ name: './', type: '5', mode: 0o1777 }),
      entry({ name: 'su', mode: 0o4755, uid: 12, gid: 34, content: 'x' }),
      entry({ name: 'null', type: '3', mode: 0o666, major: 1, minor: 3 }),
      entry({ name: 'sda', type: '4', mode: 0o660, gid: 6, major: 8, minor: 0 }),
      entry({ name: 'pipe', type: '6', mode: 0o600, uid: 7 }),
      entry({ name: 'link', type: '2', linkName: 'su', uid: 9 }),
      pax({
        'SCHILY.xattr.security.capability': 'cap',
        'SCHILY.xattr.user.containers.override_stat': '0:0:4755:file',
        'SCHILY.xattr.user.kept': 'k',
      }),
      entry({ name: 'implied/file', content: 'y' }),
    );
    const { folder, tarSplit } = await unpack(layer, scratch, 'layer', { names: 'user', owners: 'recorded' });
    const record = (name: string): string | null => attribute(`${folder}${name}`, 'user.containers.override_stat');
    expect(record('')).toBe('0:0:1777:dir');
    expect(record('/su')).toBe('12:34:4755:file');
    expect(record('/null')).toBe('0:0:0666:char-1-3');
    expect(record('/sda')).toBe('0:6:0660:block-8-0');
    expect(record('/pipe')).toBe('7:0:0600:pipe');
    expect(record('/implied')).toBe('0:0:0755:dir');
    expect(record('/implied/file')).toBe('0:0:0644:file');
    expect(attribute(`${folder}/implied/file`, 'user.containers.override_security.capability')).toBe('cap');
    expect(attribute(`${folder}/implied/file`, 'user.kept')).toBe('k');
    expect(statSync(`${folder}/sda`).isFile()).toBe(true);
    expect(statSync(`${folder}/su`).mode & 0o7777).toBe(0o700);
    expect((await rebuilt({ folder, tarSplit })).equals(layer)).toBe(true);
  });
});

describe('a rebuilt tar', () => {
  it('is refused where a file is not that of the layer any more, by name', async () => {
    const layer = tar(directory('d/'), file('d/a', 'content'), file('d/b', 'content'));
    const unpacked = await unpack(layer, scratch);
    writeFileSync(`${unpacked.folder}/d/a`, 'kontent');
    await expect(rebuilt(unpacked)).rejects.toMatchObject({ code: 'changed-layer', message: /d\/a has other content/ });
    writeFileSync(`${unpacked.folder}/d/a`, 'longer content');
    await expect(rebuilt(unpacked)).rejects.toMatchObject({ code: 'changed-layer', message: /d\/a has 14 bytes/ });
    execFileSync('ln', ['-sf', 'b', `${unpacked.folder}/d/a`]);
    await expect(rebuilt(unpacked)).rejects.toMatchObject({ code: 'changed-layer', message: /d\/a is a symlink now/ });
    execFileSync('rm', [`${unpacked.folder}/d/a`]);
    await expect(rebuilt(unpacked)).rejects.toMatchObject({
      code: 'changed-layer',
      message: /d\/a cannot be opened \(ENOENT\)/,
    });
  });
});
