// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isShortName, parseImageName, printImageName, withDefaultTag } from '../../../src/main/images/image-name';
import { parseReference, printReference, type Reference } from '../../../src/main/images/references';

const HEX = 'a'.repeat(64);

describe('names as Docker reads them', () => {
  test.each([
    ['debian', 'docker.io/library/debian:latest'],
    ['debian:12', 'docker.io/library/debian:12'],
    ['user/tool', 'docker.io/user/tool:latest'],
    ['docker.io/debian', 'docker.io/library/debian:latest'],
    ['index.docker.io/library/debian:x', 'docker.io/library/debian:x'],
    ['localhost/a', 'localhost/a:latest'],
    ['localhost:5000/a:1', 'localhost:5000/a:1'],
    ['[::1]:5000/a', '[::1]:5000/a:latest'],
    ['Upper/a', 'Upper/a:latest'],
    ['quay.io/a/b__c/d-e.f:v1.0_x', 'quay.io/a/b__c/d-e.f:v1.0_x'],
    [`debian@sha256:${HEX}`, `docker.io/library/debian@sha256:${HEX}`],
    [`debian:12@sha256:${HEX}`, `docker.io/library/debian:12@sha256:${HEX}`],
  ])('%s is %s', (text, full) => {
    expect(printImageName(withDefaultTag(parseImageName(text)))).toBe(full);
  });

  test.each([
    '',
    ':12',
    'Debian',
    'a//b',
    'a/',
    '/a',
    'a..b',
    'a_-b',
    'a:',
    `a:${'t'.repeat(129)}`,
    'a:-t',
    'a@sha256:short',
    'a@b@c',
    HEX,
    'exa_mple.com/a',
    `a.b/${'x'.repeat(256)}`,
    'a b',
    'caf\xe9',
  ])('“%s” is refused with its reason', (text) => {
    expect(() => parseImageName(text)).toThrow(
      expect.objectContaining({
        name: 'Failure',
        code: 'invalid-reference',
        hint: expect.stringContaining('REGISTRY'),
      }),
    );
  });

  test('a name without a registry is short', () => {
    expect(['debian', 'user/tool:1', `debian@sha256:${HEX}`].map(isShortName)).toEqual([true, true, true]);
    expect(['docker.io/debian', 'localhost/a', 'h:5000/a'].map(isShortName)).toEqual([false, false, false]);
  });
});

describe('references', () => {
  test.each<[string, Reference]>([
    ['oci:dir', { transport: 'oci', path: 'dir', tag: null }],
    ['oci:/a b/dir:v1', { transport: 'oci', path: '/a b/dir', tag: 'v1' }],
    ['oci:dir:localhost/two:1', { transport: 'oci', path: 'dir', tag: 'localhost/two:1' }],
    ['oci-archive:/x.tar', { transport: 'oci-archive', path: '/x.tar', tag: null }],
    ['docker-archive:x.tar:debian:12', { transport: 'docker-archive', path: 'x.tar', tag: 'debian:12' }],
    ['docker-archive:x.tar:@1', { transport: 'docker-archive', path: 'x.tar', tag: '@1' }],
    ['containers-storage:debian', { transport: 'containers-storage', store: null, name: 'debian' }],
    [
      'containers-storage:[overlay@/r+/run:o=1]localhost/a:1',
      {
        transport: 'containers-storage',
        store: { driver: 'overlay', root: '/r', runRoot: '/run' },
        name: 'localhost/a:1',
      },
    ],
    [
      'containers-storage:[/r]a',
      { transport: 'containers-storage', store: { driver: null, root: '/r', runRoot: null }, name: 'a' },
    ],
    ['docker-daemon:debian:12', { transport: 'docker-daemon', name: 'debian:12' }],
    ['containerd:k8s.io/quay.io/a:1', { transport: 'containerd', name: 'k8s.io/quay.io/a:1' }],
    ['./dir:x', { transport: 'path', path: './dir:x' }],
    ['..', { transport: 'path', path: '..' }],
    ['/caf\xe9', { transport: 'path', path: '/caf\xe9' }],
  ])('%s', (text, reference) => {
    expect(parseReference(text)).toEqual(reference);
  });

  test('a bare name is marked when it is short, so that nobody guesses its registry unseen', () => {
    expect(parseReference('debian:12')).toMatchObject({ transport: 'name', isShort: true, name: { tag: '12' } });
    expect(parseReference('quay.io/a/b')).toMatchObject({ transport: 'name', isShort: false, name: { tag: 'latest' } });
  });

  test.each([
    '',
    'oci:',
    'oci::x',
    'oci:a:',
    'docker:debian',
    'docker://',
    'dir:/x',
    'containers-storage:',
    'docker-daemon:',
    'containers-storage:[r]a',
  ])('“%s” is refused', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'invalid-reference' }));
  });

  const part = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,4}){0,2}$/);
  const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/);
  const name = fc.record({
    domain: fc.constantFrom('docker.io', 'localhost', 'localhost:5000', 'r.example.org', '[::1]:5000'),
    path: fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/')),
    tag: fc.option(tag),
    digest: fc.option(fc.constant(`sha256:${HEX}`)),
  });
  const path = fc
    .uint8Array({ minLength: 1, maxLength: 20 })
    .map((bytes) => Buffer.from(bytes).toString('latin1').replace(/[:\0]/g, '_'));
  const root = path.map((text) => `/${text.replace(/[+\]@]/g, '_')}`);
  const reference: fc.Arbitrary<Reference> = fc.oneof(
    fc.record({
      transport: fc.constantFrom('oci' as const, 'oci-archive' as const, 'docker-archive' as const),
      path,
      tag: fc.option(fc.oneof(tag, name.map(printImageName))),
    }),
    name.map((it) => ({ transport: 'docker' as const, name: withDefaultTag(it) })),
    fc.record({
      transport: fc.constant('containers-storage' as const),
      store: fc.option(fc.record({ driver: fc.option(fc.constant('overlay')), root, runRoot: fc.option(root) })),
      name: name.map(printImageName),
    }),
    path.map((text) => ({ transport: 'path' as const, path: `/${text}` })),
    name.map((it) => ({ transport: 'name' as const, name: withDefaultTag(it), isShort: false })),
  );

  test('what is printed is read back', () => {
    fc.assert(
      fc.property(reference, (it) => {
        expect(parseReference(printReference(it))).toEqual(it);
      }),
    );
  });

  test('no text makes it throw anything but a Failure', () => {
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.constantFrom('oci:', 'docker://', 'containers-storage:['), fc.string()).map((it) => it.join('')),
    );
    fc.assert(
      fc.property(text, (it) => {
        try {
          const parsed = parseReference(it);
          expect(parseReference(printReference(parsed))).toMatchObject({ transport: parsed.transport });
        } catch (error) {
          expect(error).toMatchObject({ name: 'Failure' });
        }
      }),
    );
  });
});
