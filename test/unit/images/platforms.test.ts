// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import type { Platform } from '@shared/images';
import { digestOf } from '../../../src/main/images/checked-bytes';
import { DOCKER_LIST, OCI_INDEX, OCI_MANIFEST } from '../../../src/main/images/media-types';
import { chooseManifest, hostPlatform, parsePlatform, printPlatform } from '../../../src/main/images/platforms';
import type { Descriptor, ImageSource, SourceRoot } from '../../../src/main/images/source';

const signal = new AbortController().signal;

/** Documents in memory, by digest. */
class Documents implements ImageSource {
  readonly notation = 'oci:test';
  readonly references = [];
  readonly blobs = new Map<string, Buffer>();

  add(document: object, mediaType: string): Descriptor {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  manifest(name: string): Descriptor {
    return this.add({ schemaVersion: 2, name, config: {}, layers: [] }, OCI_MANIFEST);
  }

  index(manifests: readonly Descriptor[], mediaType = OCI_INDEX): Descriptor {
    return this.add({ schemaVersion: 2, mediaType, manifests }, mediaType);
  }

  rootOf(descriptor: Descriptor): SourceRoot {
    return { descriptor, bytes: this.blobs.get(descriptor.digest)! };
  }

  root = (): Promise<SourceRoot> => Promise.reject(new Error('not asked'));
  read = ({ digest }: Descriptor): Promise<Buffer> => Promise.resolve(this.blobs.get(digest)!);
  open = (): Promise<never> => Promise.reject(new Error('not asked'));
  close = (): Promise<void> => Promise.resolve();
}

const on = (descriptor: Descriptor, platform: Platform): Descriptor => ({ ...descriptor, platform });
const linux = (architecture: string, variant?: string): Platform => ({
  os: 'linux',
  architecture,
  ...(variant === undefined ? {} : { variant }),
});

async function choice(source: Documents, root: Descriptor, wanted: Platform): Promise<string> {
  return (await chooseManifest(source, source.rootOf(root), wanted, signal)).descriptor.digest;
}

test.each(['linux/amd64', 'linux/arm64/v8', 'windows/amd64'])('%s is read and printed', (text) => {
  expect(printPlatform(parsePlatform(text))).toBe(text);
});

test.each(['', 'linux', 'linux/', 'linux/arm/', 'a/b/c/d'])('“%s” is no platform', (text) => {
  expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'invalid-platform' }));
});

test('this machine has a platform that images name', () => {
  expect(hostPlatform()).toMatchObject({
    os: 'linux',
    architecture: process.arch === 'x64' ? 'amd64' : expect.any(String),
  });
});

describe('the manifest for a platform', () => {
  test.each([OCI_INDEX, DOCKER_LIST])('is found in an index of %s', async (mediaType) => {
    const source = new Documents();
    const [amd, arm] = [source.manifest('amd'), source.manifest('arm')];
    const index = source.index([on(arm, linux('arm64', 'v8')), on(amd, linux('amd64'))], mediaType);
    expect(await choice(source, index, linux('amd64'))).toBe(amd.digest);
    expect(await choice(source, index, linux('arm64', 'v8'))).toBe(arm.digest);
    expect(await choice(source, index, linux('arm64'))).toBe(arm.digest);
  });

  test('is found in an index within an index, and attestations are passed over', async () => {
    const source = new Documents();
    const amd = source.manifest('amd');
    const attestation = on(source.manifest('proof'), { os: 'unknown', architecture: 'unknown' });
    const inner = source.index([attestation, on(amd, linux('amd64'))]);
    expect(await choice(source, source.index([inner]), linux('amd64'))).toBe(amd.digest);
  });

  test('is of the exact variant, else of none, else of the next earlier one', async () => {
    const source = new Documents();
    const [five, six, seven, plain] = ['5', '6', '7', 'plain'].map((name) => source.manifest(name));
    const variants = [on(five!, linux('arm', 'v5')), on(seven!, linux('arm', 'v7')), on(six!, linux('arm', 'v6'))];
    expect(await choice(source, source.index(variants), linux('arm', 'v7'))).toBe(seven!.digest);
    expect(await choice(source, source.index([variants[0]!, variants[2]!]), linux('arm', 'v7'))).toBe(six!.digest);
    expect(await choice(source, source.index([on(plain!, linux('arm')), ...variants]), linux('arm', 'v8'))).toBe(
      plain!.digest,
    );
    await expect(choice(source, source.index([variants[1]!]), linux('arm', 'v6'))).rejects.toMatchObject({
      code: 'no-platform',
    });
  });

  test('that is not there is refused with the list of those that are', async () => {
    const source = new Documents();
    const index = source.index([
      on(source.manifest('a'), linux('s390x')),
      on(source.manifest('b'), linux('arm64', 'v8')),
    ]);
    await expect(choice(source, index, linux('amd64'))).rejects.toMatchObject({
      code: 'no-platform',
      message: 'oci:test has no image for linux/amd64.',
      hint: expect.stringContaining('linux/s390x, linux/arm64/v8'),
    });
  });

  test('of the only entry is taken though it names no platform', async () => {
    const source = new Documents();
    const only = source.manifest('only');
    expect(await choice(source, source.index([only]), linux('amd64'))).toBe(only.digest);
    const two = source.index([only, source.manifest('other')]);
    await expect(choice(source, two, linux('amd64'))).rejects.toMatchObject({ code: 'no-platform' });
  });
});

describe('an index that leads nowhere', () => {
  test('is refused when it is empty or too deep', async () => {
    const source = new Documents();
    await expect(choice(source, source.index([]), linux('amd64'))).rejects.toMatchObject({ code: 'invalid-manifest' });
    let deep = source.index([on(source.manifest('x'), linux('amd64'))]);
    for (let i = 0; i < 6; i++) deep = source.index([deep]);
    await expect(choice(source, deep, linux('amd64'))).rejects.toMatchObject({
      code: 'invalid-manifest',
      message: expect.stringContaining('deeper'),
    });
  });

  test('is refused when it leads back to itself, as one whose digests are not true can', async () => {
    const source = new Documents();
    const digest = `sha256:${'0'.repeat(64)}`;
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType: OCI_INDEX, digest, size: 1 }] }),
    );
    source.blobs.set(digest, bytes);
    const root = { descriptor: { mediaType: OCI_INDEX, digest, size: bytes.length }, bytes };
    await expect(chooseManifest(source, root, linux('amd64'), signal)).rejects.toMatchObject({ name: 'Failure' });
  });
});
