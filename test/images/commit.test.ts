// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DockerArchive } from '../../src/main/images/destinations/docker-archive';
import { OciArchive } from '../../src/main/images/destinations/oci-archive';
import { OciFolder } from '../../src/main/images/destinations/oci-folder';
import { parseImageName } from '../../src/main/images/image-name';
import { parseManifest } from '../../src/main/images/manifest';
import { mount, MS_RDONLY, unmount } from '../../src/main/system/mount';
import { commitRange, commitStack, ENGINE, send } from '../support/committed';
import { buildStack, withKernelMount, type BuiltStack, type StackSpec } from '../support/kernel';
import { writeThroughKernel } from '../support/kernel-upper';
import { Peers } from '../support/peers';
import { makeScratch, removeScratch } from '../support/scratch';
import { seenTree } from '../support/seen-tree';
import { dir, file, symlink, whiteout, type Node } from '../support/tree';
import { firstDifferences } from '../support/view';

/* The kernel writes an upper; what Lamina makes of it is unpacked by other programs, and must be what the kernel shows. */

const OLD: [number, number] = [1_000_000_000, 123_456_789];
const LOWER = (): Node =>
  dir({
    etc: dir(
      {
        hosts: file('127.0.0.1 localhost\n', { mtime: OLD }),
        motd: file('hello\n', { mtime: OLD, xattrs: { 'user.note': 'one' } }),
        link: symlink('hosts'),
        hard: file('hard\n', { mtime: OLD }),
        'hard-too': { kind: 'link', to: 'etc/hard' },
      },
      { mtime: OLD, mode: 0o755 },
    ),
    big: file('b'.repeat(300_000), { mtime: OLD }),
    gone: dir({ one: file('1\n'), two: file('2\n') }),
    replaced: dir({ old: file('old\n'), sub: dir({ deep: file('deep\n') }) }),
    moved: dir({ in: file('in\n', { mtime: OLD }), sub: dir({ x: file('x\n'), y: file('y\n') }) }),
    'file-to-dir': file('file\n'),
    'dir-to-file': dir({ x: file('x\n') }),
    dead: symlink('nowhere'),
  });

/** What programs do: every form that an upper has comes of it. */
const CHANGES = `
  echo '127.0.1.1 me' >> etc/hosts
  chown 5:6 etc/motd; chmod 4751 big; mv etc/motd etc/message
  rm -r gone dead
  rm -r replaced; mkdir replaced; echo new > replaced/new
  mv moved elsewhere; echo more > elsewhere/more; rm elsewhere/sub/x
  rm file-to-dir; mkdir file-to-dir; echo in > file-to-dir/in
  rm -r dir-to-file; echo file > dir-to-file
  mkdir -p new/deep; echo one > new/one; ln new/one new/deep/one-again; ln new/one a-third
  cp /bin/true new/tool; setcap cap_net_raw+ep new/tool 2>/dev/null || setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 new/tool
  setfattr -n user.k -v v new/one; setfattr -n trusted.t -v 0x00ff3d0a new/deep
  setfacl -m u:1000:rx new/one; setfacl -d -m g:5:rwx new/deep
  mknod new/null c 1 3; mknod new/disk b 7 300; mkfifo new/pipe; ln -s /etc/hosts new/ln; ln -s "$(printf 'x%.0s' $(seq 300))" new/long-ln
  truncate -s 5000000 new/sparse; printf end >> new/sparse
  touch "new/$(printf '\\377\\376')" "new/two words" "new/$(printf 'L%.0s' $(seq 255))" "new/é"
  mkdir -p "new/$(printf 'd%.0s' $(seq 90))/$(printf 'e%.0s' $(seq 90))"; echo y > "new/$(printf 'd%.0s' $(seq 90))/$(printf 'e%.0s' $(seq 90))/f"
  chown 4000000000:3000000000 new/tool; chown -h 7:8 new/ln
  touch -d '1960-01-01 00:00:00.25 UTC' new/two\\ words; touch -h -d '2001-02-03 04:05:06.789 UTC' new/ln; touch -d '2250-01-01 UTC' new/pipe
  chmod 1777 new; chmod 0 "new/é"
`;

let at = '';
let built: BuiltStack;
let peers: Peers;
let image: string;
let expected: string[];
const OPTIONS = ['metacopy=on', 'redirect_dir=on'];

function build(spec: Partial<StackSpec> = {}): void {
  const folder = join(at, 's');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  built = buildStack(folder, { upper: dir(), lowers: [LOWER()], data: [], ...spec });
}

beforeEach(() => {
  at = makeScratch('disk');
  build();
  peers = new Peers(join(at, 'peers'));
  image = join(at, 'image');
});
afterEach(() => {
  peers.close();
  removeScratch(at);
});

function shown(): string[] {
  const lines = withKernelMount(built, OPTIONS, seenTree);
  if (!Array.isArray(lines)) throw lines;
  return lines;
}

/** What containers/storage cannot keep: the root's own metadata, and times before the epoch. */
const forEngines = (lines: readonly string[]): string[] =>
  lines.slice(1).map((line) => line.replace(/ -\d+\.\d+ /, ' 0.0 '));
/** Its plain copies of layers have no ACLs and no trusted attributes besides. */
const forCopies = (lines: readonly string[]): string[] =>
  forEngines(lines).map((line) => line.replace(/\[\[.*\]\]$/, (text) => JSON.stringify(ordinary(text))));
const ordinary = (text: string): [string, string][] =>
  (JSON.parse(text) as [string, string][]).filter(([name]) => !/^(system|trusted)\./.test(name));

describe('an upper that the kernel wrote', () => {
  beforeEach(() => {
    writeThroughKernel(built, OPTIONS, CHANGES);
    expected = shown();
  });

  test('is unpacked by umoci to what the kernel shows', async () => {
    await send(await commitStack(built), await OciFolder.open(image, 'new'));
    expect(firstDifferences(expected, peers.withUmoci(image, 'new', seenTree), 30)).toEqual([]);
  });

  test('is mounted by buildah as what the kernel shows, with its own overlay and with copies', async () => {
    await send(await commitStack(built), await OciFolder.open(image, 'new'));
    peers.pull('overlay', `oci:${image}:new`, 'img:new');
    const merged = peers.withBuildah('overlay', 'img:new', seenTree);
    expect(firstDifferences(forEngines(expected), forEngines(merged), 30)).toEqual([]);
    peers.pull('vfs', `oci:${image}:new`, 'img:new');
    const copied = peers.withBuildah('vfs', 'img:new', seenTree);
    expect(firstDifferences(forCopies(expected), forCopies(copied), 30)).toEqual([]);
  });

  test('is, laid by the kernel on the layers below as an engine unpacked both, what the kernel showed', async () => {
    await send(await commitStack(built), await OciFolder.open(image, 'new'));
    peers.pull('overlay', `oci:${image}:new`, 'img:new');
    const { GraphDriver } = (JSON.parse(peers.podman('overlay', 'image', 'inspect', 'img:new')) as Inspected[])[0]!;
    const { UpperDir, LowerDir } = GraphDriver.Data;
    const point = join(at, 'point');
    mkdirSync(point);
    mount('overlay', point, 'overlay', MS_RDONLY, `lowerdir=${UpperDir}:${LowerDir}`);
    try {
      expect(firstDifferences(forEngines(expected), forEngines(seenTree(point)), 30)).toEqual([]);
    } finally {
      unmount(point, true);
    }
  });

  test('is loaded by podman from a docker-archive and an oci-archive', async () => {
    const built_ = await commitStack(built);
    const names = [parseImageName('example.org/made/here:1')];
    await send(built_, await DockerArchive.make(join(at, 'docker.tar'), names));
    await send(built_, await OciArchive.make(join(at, 'oci.tar'), 'made:2'));
    peers.podman('overlay', 'load', '--quiet', '--input', join(at, 'docker.tar'));
    peers.podman('overlay', 'load', '--quiet', '--input', join(at, 'oci.tar'));
    for (const name of ['example.org/made/here:1', 'localhost/made:2']) {
      const merged = peers.withBuildah('overlay', name, seenTree);
      expect(firstDifferences(forEngines(expected), forEngines(merged), 30)).toEqual([]);
    }
  });

  test('gives the same bytes each time, whatever the order and the clock', async () => {
    const [first, second] = [await commitStack(built), await commitStack(built)];
    expect(second.manifest.bytes.toString()).toBe(first.manifest.bytes.toString());
    // Another copy of the same files, in another order on disk and with other inodes.
    execFileSync(
      'sh',
      [
        '-ec',
        'mkdir copy; tar -C u --xattrs --xattrs-include=* --acls -cf - --sort=name . | tar -C copy --xattrs --xattrs-include=* --acls -xpf -',
      ],
      { cwd: built.folder },
    );
    const copied = { ...built, upper: { path: join(built.folder, 'copy'), workdir: built.upper!.workdir } };
    expect((await commitStack(copied)).manifest.bytes.toString()).toBe(first.manifest.bytes.toString());
  });

  test('is one layer with all below it where they are squashed', async () => {
    await send(await commitRange(built, [0, 1]), await OciFolder.open(image, 'squashed'));
    expect(firstDifferences(expected, peers.withUmoci(image, 'squashed', seenTree), 30)).toEqual([]);
    expect(peers.run('umoci', 'stat', '--image', `${image}:squashed`, '--json')).not.toContain('empty_layer":true');
  });

  test('names what is taken away before what is there, directories before what is in them', async () => {
    const made = await commitStack(built);
    await send(made, await OciFolder.open(image, 'new'));
    const { manifest } = made;
    const layer = parseManifest(manifest.bytes, manifest.descriptor.digest).layers[1]!;
    const names = peers.run('tar', 'tf', `${image}/blobs/${layer.digest.replace(':', '/')}`).split('\n');
    expect(names.filter((name) => !name.startsWith('new'))).toEqual([
      './',
      '.wh.dead',
      '.wh.gone',
      '.wh.moved',
      'a-third',
      'big',
      'dir-to-file',
      'elsewhere/',
      'elsewhere/in',
      'elsewhere/more',
      'elsewhere/sub/',
      'elsewhere/sub/y',
      'etc/',
      'etc/.wh.motd',
      'etc/hosts',
      'etc/message',
      'file-to-dir/',
      'file-to-dir/in',
      'replaced/',
      'replaced/.wh..wh..opq',
      'replaced/new',
      '',
    ]);
  });
});

interface Inspected {
  readonly GraphDriver: { readonly Data: { readonly UpperDir: string; readonly LowerDir: string } };
}

describe('a range of a stack', () => {
  const stack = (): Partial<StackSpec> => ({
    upper: dir({ a: file('upper\n'), d: dir({ new: file('new\n') }) }),
    lowers: [
      dir({ b: file('middle\n'), gone: whiteout(), d: dir({ one: whiteout() }) }),
      dir({
        b: file('lower\n'),
        c: file('lower\n'),
        p: dir({ q: file('q\n') }, { xattrs: { 'trusted.overlay.opaque': 'y' } }),
      }),
      dir({ gone: file('gone\n'), d: dir({ one: file('1\n'), two: file('2\n') }), p: dir({ hidden: file('x\n') }) }),
    ],
  });

  test.each([
    [
      [0, 1],
      [2, 3],
    ],
    [
      [0, 2],
      [3, 3],
    ],
    [
      [0, 0],
      [1, 3],
    ],
  ] as const)('%j on %j gives the whole', async (range, below) => {
    build(stack());
    const base = await commitRange(built, below);
    const whole = await commitRange(built, range, {}, { base: { source: base, manifest: base.manifest }, kept: 1 });
    await send(whole, await OciFolder.open(image, 'new'));
    expect(firstDifferences(shown(), peers.withUmoci(image, 'new', seenTree), 30)).toEqual([]);
  });

  test('in the middle leaves out what is above', async () => {
    build(stack());
    const base = await commitRange(built, [3, 3]);
    const middle = await commitRange(built, [1, 2], {}, { base: { source: base, manifest: base.manifest }, kept: 1 });
    await send(middle, await OciFolder.open(image, 'new'));
    built = { ...built, upper: null };
    expect(firstDifferences(shown(), peers.withUmoci(image, 'new', seenTree), 30)).toEqual([]);
  });

  test('that is none is refused', async () => {
    await expect(commitRange(built, [1, 2])).rejects.toThrow('no range of the stack');
  });
});

describe('what an image layer cannot hold', () => {
  test('a socket is left out, and said; what it hides is taken away', async () => {
    build({ upper: dir({ s: { kind: 'socket' }, n: { kind: 'socket' } }), lowers: [dir({ s: file('below\n') })] });
    const notes: string[] = [];
    await send(await commitStack(built, { note: (text) => notes.push(text) }), await OciFolder.open(image, 'new'));
    expect(notes).toEqual(['/n is a socket: no tar can hold it.', '/s is a socket: no tar can hold it.']);
    expect(peers.withUmoci(image, 'new', (root) => seenTree(root).length)).toBe(1);
  });

  test('a name that would be a whiteout is refused by its path', async () => {
    build({ upper: dir({ d: dir({ '.wh.x': file('') }) }), lowers: [dir()] });
    await expect(commitStack(built)).rejects.toThrow('/d/.wh.x cannot be in an image layer');
    build({ upper: dir({ d: dir({ '.wh.x': whiteout() }) }), lowers: [dir({ d: dir({ '.wh.x': file('') }) })] });
    await expect(commitRange(built, [0, 0])).rejects.toThrow('/d/.wh.x cannot be in an image layer');
  });

  test('a metacopy asks for its option', async () => {
    writeThroughKernel(built, OPTIONS, 'chmod 700 big');
    await expect(commitRange(built, [0, 0], { options: { ...ENGINE, metacopy: false } })).rejects.toThrow(
      '/big cannot be looked up with the options of the stack (EPERM)',
    );
  });

  test('names that only the index keeps together are told', async () => {
    writeThroughKernel(built, ['index=on'], 'echo more >> etc/hard; echo alone >> big');
    const notes: string[] = [];
    await commitRange(built, [0, 0], {}, { note: (text) => notes.push(text) });
    expect(notes).toEqual([expect.stringMatching(/^\/etc\/hard has 1 more name below/)]);
  });

  test('a failure leaves no file behind', async () => {
    build({ upper: dir({ a: file('a'.repeat(100_000)), '.wh.x': file('') }), lowers: [dir()] });
    const before = readdirSync(built.folder);
    await expect(commitRange(built, [0, 0])).rejects.toThrow();
    expect(readdirSync(built.folder)).toEqual(before);
  });
});

describe('uppers of other kinds', () => {
  test('a layer with user.* marks: whiteout files and opaque directories', async () => {
    const empty = { 'user.overlay.whiteout': '' };
    build({
      upper: null,
      lowers: [
        dir(
          {
            etc: dir(
              { motd: file('', { xattrs: empty }) },
              { xattrs: { 'user.overlay.opaque': 'x', 'user.overlay.origin': '' } },
            ),
            gone: file('', { xattrs: empty }),
            replaced: dir(
              { now: file('now\n') },
              { xattrs: { 'user.overlay.opaque': 'y', 'user.overlay.overlay.nested': 'n' } },
            ),
          },
          { xattrs: { 'user.overlay.opaque': 'x' } },
        ),
        LOWER(),
      ],
    });
    const options = { ...ENGINE, userxattr: true };
    const base = await commitRange(built, [1, 1], { options });
    await send(
      await commitRange(built, [0, 0], { options }, { base: { source: base, manifest: base.manifest }, kept: 1 }),
      await OciFolder.open(image, 'new'),
    );
    const lines = withKernelMount(built, ['userxattr'], seenTree) as string[];
    expect(firstDifferences(lines, peers.withUmoci(image, 'new', seenTree), 30)).toEqual([]);
    expect(lines.join('\n')).toContain('[["user.overlay.nested","n"]]');
  });

  test('one with .wh. files', async () => {
    build({
      upper: dir({ '.wh.gone': file(''), etc: dir({ '.wh..wh..opq': file(''), only: file('only\n') }) }),
      lowers: [LOWER()],
    });
    const options = { ...ENGINE, whiteouts: 'oci' as const };
    const base = await commitRange(built, [1, 1], { options });
    await send(
      await commitRange(built, [0, 0], { options }, { base: { source: base, manifest: base.manifest }, kept: 1 }),
      await OciFolder.open(image, 'new'),
    );
    const names = peers.withUmoci(image, 'new', (root) => readdirSync(root).concat(readdirSync(join(root, 'etc'))));
    expect(names).not.toContain('gone');
    expect(names.slice(-1)).toEqual(['only']);
  });

  test('one that keeps owners in attributes has the owners that it means', async () => {
    const owner = (text: string): Partial<Node> => ({ xattrs: { 'user.containers.override_stat': text } });
    build({
      upper: dir(
        {
          f: file('f\n', owner('5:6:0104755')),
          d: dir({}, owner('7:8:01777')),
          null: file('', owner('0:0:0666:char-1-3')),
          pipe: file('', owner('1:1:0600:pipe')),
          caps: file('c\n', {
            xattrs: { 'user.containers.override_stat': '0:0:0755', 'user.containers.override_user.x': 'v' },
          }),
        },
        owner('0:0:0755'),
      ),
      lowers: [dir()],
    });
    await send(await commitRange(built, [0, 0]), await OciFolder.open(image, 'new'));
    const lines = peers
      .withUmoci(image, 'new', seenTree)
      .map((line) => line.replace(/ \d{9,}\.\d+ /, ' ').replace(/ +/g, ' '));
    expect(lines).toEqual([
      '/ 40755 0:0 0:0 []',
      '/"caps" 100755 0:0 size=2 0:0 2b66fd261e [["user.x","v"]]',
      '/"d" 41777 7:8 0:0 []',
      '/"f" 104755 5:6 size=2 0:0 a9fcd54b25 []',
      '/"null" 20666 0:0 size=0 1:3 []',
      '/"pipe" 10600 1:1 size=0 0:0 []',
    ]);
  });

  test('no time is later than the one that is given', async () => {
    build({ upper: dir({ old: file('', { mtime: OLD }), new: file('') }), lowers: [dir()] });
    const newest = 1_500_000_000;
    await send(await commitRange(built, [0, 0], { newest }), await OciFolder.open(image, 'new'));
    expect(
      peers.withUmoci(image, 'new', (root) => ['old', 'new'].map((name) => statSync(join(root, name)).mtimeMs)),
    ).toEqual([1_000_000_000_123.4568, 1_500_000_000_000]);
  });
});
