// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { copyFileSync, createReadStream, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerStore, tool } from '../support/container-store';
import { rawTree } from '../support/raw-tree';
import { makeScratch, removeScratch } from '../support/scratch';
import { rebuilt, unpack } from '../support/unpacking';

/*
 * An image of three layers that buildah builds, in the stores of its two drivers and as other tools hand it on: what
 * they unpacked and recorded is rebuilt by Lamina, and what Lamina recorded by them.
 */
let scratch: string;
let overlay: ContainerStore;
let vfs: ContainerStore;

const FIRST = String.raw`
mkdir -p etc usr/share/doc 'spa ce'; echo one >etc/one; echo two >etc/two; echo '<&>' >'spa ce/<&>'
printf x >$'latin\xe9'; printf u >$'\xc3\xa4\xe2\x80\xa8'; head -c 100000 /dev/urandom >blob; : >empty
echo doc >usr/share/doc/a; ln etc/one hard; ln -s one etc/link; mkfifo pipe; mknod null c 1 3
truncate -s 2M sparse; chmod 4755 etc/one; chown 12:34 etc/two; setfattr -n user.x -v y blob
touch -d '2001-01-01 01:01:01.123456789' blob
`;

const SECOND = String.raw`
rm etc/one; rm -r usr/share/doc; mkdir usr/share/doc; echo new >usr/share/doc/b; chmod 600 etc/two; echo 3 >etc/three
`;

beforeAll(() => {
  scratch = makeScratch('disk');
  overlay = open('overlay', 'overlay');
  vfs = open('vfs', 'vfs');
  mkdirSync(`${scratch}/context`);
  execFileSync('bash', ['-ec', FIRST], { cwd: `${scratch}/context` });
  const first = overlay.buildah('from', 'scratch');
  const at = overlay.buildah('mount', first);
  execFileSync('cp', ['-a', `${scratch}/context/.`, at]);
  overlay.buildah('umount', first);
  overlay.buildah('commit', '-q', '--rm', first, 'localhost/first');
  const second = overlay.buildah('from', '--pull-never', 'localhost/first');
  const again = overlay.buildah('mount', second);
  execFileSync('bash', ['-ec', SECOND], { cwd: again });
  overlay.buildah('umount', second);
  overlay.buildah('commit', '-q', '--rm', second, 'localhost/second');
  tool('skopeo', 'copy', '-q', overlay.name('localhost/second'), `oci:${scratch}/oci:t`);
  tool('skopeo', 'copy', '-q', `oci:${scratch}/oci:t`, vfs.name('localhost/second'));
});

afterAll(() => {
  for (const store of stores) store.remove();
  removeScratch(scratch);
});

const stores: ContainerStore[] = [];

function open(name: string, driver: 'overlay' | 'vfs'): ContainerStore {
  const store = new ContainerStore(`${scratch}/${name}`, driver);
  stores.push(store);
  return store;
}

const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The lines of a record, without the empty segment that older Go tools put at the end. */
const linesOf = (tarSplit: string): string[] =>
  gunzipSync(readFileSync(tarSplit))
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('{"type":2,"payload":"",'));

/** The blobs of the layers in an OCI layout, the lowest first. */
function blobsOf(layout: string): string[] {
  const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
  const path = (digest: string): string => `${layout}/blobs/${digest.replace(':', '/')}`;
  const index = read(`${layout}/index.json`) as { manifests: { digest: string }[] };
  const manifest = read(path(index.manifests[0]!.digest)) as { layers: { digest: string }[] };
  return manifest.layers.map(({ digest }) => path(digest));
}

describe.each(['overlay', 'vfs'] as const)('layers in the %s store of containers/storage', (driver) => {
  it('are rebuilt from the files and the records that are there', async () => {
    const layers = (driver === 'overlay' ? overlay : vfs).layers();
    expect(layers.length).toBe(2);
    for (const layer of layers) {
      // The vfs driver's folders hold the layers below too, so that the files of the first are found in it alone.
      expect(sha256(await rebuilt(layer))).toBe(layer.diffId);
    }
  });
});

describe('records', () => {
  it('are line by line those of the Go tools', async () => {
    for (const [i, blob] of blobsOf(`${scratch}/oci`).entries()) {
      const ours = await unpack(createReadStream(blob), scratch, `record-${i}`);
      const theirs = vfs.layers().find(({ diffId }) => diffId === ours.layer.diffId)!;
      expect(linesOf(ours.tarSplit)).toEqual(linesOf(theirs.tarSplit));
    }
  });

  it('of Lamina are what skopeo rebuilds a layer by', async () => {
    const store = open('swapped', 'overlay');
    tool('skopeo', 'copy', '-q', `oci:${scratch}/oci:t`, store.name('localhost/second'));
    for (const [i, layer] of store.layers().entries()) {
      const ours = await unpack(createReadStream(blobsOf(`${scratch}/oci`)[i]!), scratch, `swapped-${i}`);
      expect(ours.layer.diffId).toBe(layer.diffId);
      expect(readFileSync(ours.tarSplit).equals(readFileSync(layer.tarSplit))).toBe(false);
      copyFileSync(ours.tarSplit, layer.tarSplit);
    }
    tool('skopeo', 'copy', '-q', store.name('localhost/second'), `dir:${scratch}/dir`);
    const blobs = readdirSync(`${scratch}/dir`).map((name) => readFileSync(`${scratch}/dir/${name}`));
    const digests = blobs.map((bytes) => sha256(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes));
    for (const { diffId } of store.layers()) expect(digests).toContain(diffId);
  });
});

describe('layers that other tools packed', () => {
  const check = async (blob: string, name: string): Promise<void> => {
    const unpacked = await unpack(createReadStream(blob), scratch, name);
    expect(unpacked.layer.digest).toBe(sha256(readFileSync(blob)));
    expect(sha256(await rebuilt(unpacked))).toBe(unpacked.layer.diffId);
  };

  it('are unpacked as containers/storage does it', async () => {
    for (const [i, blob] of blobsOf(`${scratch}/oci`).entries()) {
      const { folder, layer } = await unpack(createReadStream(blob), scratch, `tree-${i}`);
      const theirs = overlay.layers().find(({ diffId }) => diffId === layer.diffId)!;
      // Its roots keep the mode and time of the store's own folder.
      const tree = (path: string): string[] => rawTree(path, path, Infinity).slice(1);
      expect(tree(folder)).toEqual(tree(theirs.folder));
    }
  });

  it('come back from zstd, and from a docker-archive', async () => {
    const second = overlay.name('localhost/second');
    tool('skopeo', 'copy', '-q', '--dest-compress-format', 'zstd', second, `oci:${scratch}/zstd:t`);
    for (const [i, blob] of blobsOf(`${scratch}/zstd`).entries()) {
      await check(blob, `zstd-${i}`);
      expect(readFileSync(blob).readUInt32LE(0)).toBe(0xfd2fb528);
    }
    tool('skopeo', 'copy', '-q', second, `docker-archive:${scratch}/archive.tar:t`);
    mkdirSync(`${scratch}/archive`);
    execFileSync('tar', ['-xf', `${scratch}/archive.tar`, '-C', `${scratch}/archive`]);
    const manifest = JSON.parse(readFileSync(`${scratch}/archive/manifest.json`, 'utf8')) as [{ Layers: string[] }];
    for (const [i, layer] of manifest[0].Layers.entries()) await check(`${scratch}/archive/${layer}`, `archive-${i}`);
  });

  it('come back from umoci, which packs in an order of its own', async () => {
    const umoci = (...args: string[]): void =>
      void execFileSync('umoci', args, { cwd: scratch, stdio: ['ignore', 'ignore', 'pipe'] });
    umoci('unpack', '--image', 'oci:t', 'bundle');
    execFileSync('bash', ['-ec', 'rm etc/three; mkdir -p opt/new; echo u >opt/new/file; rm -r usr'], {
      cwd: `${scratch}/bundle/rootfs`,
    });
    umoci('repack', '--image', 'oci:u', 'bundle');
    const index = JSON.parse(readFileSync(`${scratch}/oci/index.json`, 'utf8')) as {
      manifests: { digest: string; annotations?: Record<string, string> }[];
    };
    const made = index.manifests.find(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] === 'u')!;
    const path = (digest: string): string => `${scratch}/oci/blobs/${digest.replace(':', '/')}`;
    const { layers } = JSON.parse(readFileSync(path(made.digest), 'utf8')) as { layers: { digest: string }[] };
    await check(path(layers[layers.length - 1]!.digest), 'umoci');
    expect(readdirSync(`${scratch}/umoci`).sort()).toContain('opt');
  });
});
