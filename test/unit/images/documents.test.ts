// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/main/images/config';
import { manifestType, parseIndex, parseManifest } from '../../../src/main/images/manifest';
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../../src/main/images/media-types';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const bytes = (document: unknown): Buffer =>
  Buffer.from(typeof document === 'string' ? document : JSON.stringify(document));
const entry = { mediaType: 'x', digest: DIGEST, size: 3 };
const manifest = { schemaVersion: 2, config: entry, layers: [entry] };
const invalid = (message?: string | RegExp) =>
  expect.objectContaining({
    name: 'Failure',
    code: 'invalid-manifest',
    ...(message === undefined ? {} : { message: expect.stringMatching(message) }),
  });

describe('what a document is', () => {
  const typeOf = (document: object, mediaType = ''): string =>
    manifestType(bytes(document), { digest: DIGEST, mediaType });

  test('is told by its own media type, by its descriptor, or by its fields', () => {
    expect(typeOf({ ...manifest, mediaType: DOCKER_MANIFEST }, OCI_MANIFEST)).toBe(DOCKER_MANIFEST);
    expect(typeOf(manifest, DOCKER_MANIFEST)).toBe(DOCKER_MANIFEST);
    expect(typeOf(manifest)).toBe(OCI_MANIFEST);
    expect(typeOf({ manifests: [] })).toBe(OCI_INDEX);
    expect(typeOf({ manifests: [] }, DOCKER_LIST)).toBe(DOCKER_LIST);
  });

  test('must not be two things', () => {
    expect(() => typeOf({ ...manifest, manifests: [] })).toThrow(invalid(/both/));
    // Its descriptor says an image: its fields are what it is.
    expect(typeOf({ manifests: [] }, OCI_MANIFEST)).toBe(OCI_INDEX);
  });

  test("of Docker's first schema is refused with the way out", () => {
    expect(() => typeOf({ schemaVersion: 1, fsLayers: [] })).toThrow(
      expect.objectContaining({ code: 'unsupported-manifest', hint: expect.stringContaining('skopeo') }),
    );
  });
});

describe('a manifest', () => {
  test('is read', () => {
    expect(parseManifest(bytes(manifest), DIGEST)).toMatchObject({ config: entry, layers: [entry] });
  });

  test.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /not JSON/],
    ['no object', '3', /not a JSON object/],
    ['no layers', { schemaVersion: 2, config: entry }, /layers/],
    [
      'a digest that leads out of the folder',
      { ...manifest, config: { ...entry, digest: 'sha256:../../etc/passwd' } },
      /config\.digest/,
    ],
    [
      'a digest in capitals',
      { ...manifest, config: { ...entry, digest: `sha256:${'A'.repeat(64)}` } },
      /config\.digest/,
    ],
    ['an unknown algorithm', { ...manifest, layers: [{ ...entry, digest: 'md5:00' }] }, /layers\.0\.digest/],
    ['a negative size', { ...manifest, layers: [{ ...entry, size: -1 }] }, /layers\.0\.size/],
    ['a size that is no number', { ...manifest, layers: [{ ...entry, size: '3' }] }, /layers\.0\.size/],
    ['a size beyond any', { ...manifest, layers: [{ ...entry, size: 2 ** 60 }] }, /layers\.0\.size/],
    ['too many layers', { ...manifest, layers: Array.from({ length: 2000 }, () => entry) }, /layers/],
  ])('with %s is refused, and the field is named', (_, document, reason) => {
    expect(() => parseManifest(bytes(document), DIGEST)).toThrow(invalid(reason));
  });

  test('of any JSON at all gives a result or a Failure', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        for (const read of [parseManifest, parseIndex, (it: Buffer) => parseConfig(it, DIGEST, null)]) {
          try {
            read(Buffer.from(text), DIGEST);
          } catch (error) {
            expect(error).toMatchObject({ name: 'Failure' });
          }
        }
      }),
    );
  });
});

describe('a configuration', () => {
  const rootfs = { type: 'layers', diff_ids: [DIGEST, DIGEST] };

  test('tells platform, commands and layers, and leaves empty what it does not say', () => {
    const document = {
      ...{ architecture: 'arm64', variant: 'v8', os: 'linux', created: '2026-01-01T00:00:00Z', rootfs },
      config: { Cmd: ['sh'], Entrypoint: null, Env: ['A=b'], Labels: { a: 'b' }, ExposedPorts: { '80/tcp': {} } },
      history: [{ created_by: 'one' }, { created_by: 'none', empty_layer: true }, { created_by: 'two' }],
    };
    expect(parseConfig(bytes(document), DIGEST, 2)).toEqual({
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
      created: '2026-01-01T00:00:00Z',
      diffIds: [DIGEST, DIGEST],
      createdBy: ['one', 'two'],
      config: {
        ...{ entrypoint: [], command: ['sh'], environment: ['A=b'], workingDirectory: '', user: '' },
        ...{ labels: { a: 'b' }, exposedPorts: ['80/tcp'], volumes: [], author: '' },
      },
    });
    expect(parseConfig(bytes({ rootfs }), DIGEST, 2)).toMatchObject({ created: null, createdBy: ['', ''] });
  });

  test('with another number of layers than its manifest is refused, with both', () => {
    expect(() => parseConfig(bytes({ rootfs }), DIGEST, 3)).toThrow(invalid(/3 layers.* 2\./));
  });
});
