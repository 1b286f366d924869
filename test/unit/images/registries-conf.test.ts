// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseImageName, printImageName } from '../../../src/main/images/image-name';
import { candidates, matchLength, pullEndpoints, pushEndpoint } from '../../../src/main/images/registry/endpoints';
import { addConf, emptyConf, type RegistriesConf } from '../../../src/main/images/registry/registries-conf';
import { loadRegistriesConf } from '../../../src/main/images/registry/registries-conf-files';
import { makeScratch, removeScratch } from '../../support/scratch';

const conf = (text: string): RegistriesConf => addConf(emptyConf, 'test.conf', text);
const places = (text: string, name: string): string[] =>
  pullEndpoints(conf(text), parseImageName(name)).map(
    (endpoint) =>
      `${printImageName(endpoint.name)}${endpoint.insecure ? ' insecure' : ''}${endpoint.mirror ? ' mirror' : ''}`,
  );

// The example of containers-registries.conf(5).
const EXAMPLE = `
unqualified-search-registries = ["example.com"]

[[registry]]
prefix = "example.com/foo"
insecure = false
blocked = false
location = "internal-registry-for-example.com/bar"

[[registry.mirror]]
location = "example-mirror-0.local/mirror-for-foo"

[[registry.mirror]]
location = "example-mirror-1.local/mirrors/foo"
insecure = true

[[registry]]
location = "registry.com"

[[registry.mirror]]
location = "mirror.registry.com"
`;

describe('where an image is pulled from', () => {
  test('the example of the manual page', () => {
    expect(places(EXAMPLE, 'example.com/foo/image:latest')).toEqual([
      'example-mirror-0.local/mirror-for-foo/image:latest mirror',
      'example-mirror-1.local/mirrors/foo/image:latest insecure mirror',
      'internal-registry-for-example.com/bar/image:latest',
    ]);
    expect(places(EXAMPLE, 'registry.com/image:latest')).toEqual([
      'mirror.registry.com/image:latest mirror',
      'registry.com/image:latest',
    ]);
    expect(places(EXAMPLE, 'example.com/food/image:latest')).toEqual(['example.com/food/image:latest']);
  });

  test('the longest prefix counts, to a tag and a digest', () => {
    const text = ['a.example', 'a.example/b', 'a.example/b/c', 'a.example/b/c:1']
      .map((prefix, at) => `[[registry]]\nprefix = "${prefix}"\nlocation = "to${at}.example"\n`)
      .join('');
    expect(places(text, 'a.example/x:1')).toEqual(['to0.example/x:1']);
    expect(places(text, 'a.example/b/d:1')).toEqual(['to1.example/d:1']);
    expect(places(text.replace('to2.example', 'to2.example/c'), 'a.example/b/c:2')).toEqual(['to2.example/c:2']);
  });

  test('a wildcard covers any subdomain, and rewrites none without a location', () => {
    expect(places('[[registry]]\nprefix = "*.example.com"\ninsecure = true', 'a.b.example.com:5000/x:1')).toEqual([
      'a.b.example.com:5000/x:1 insecure',
    ]);
    expect(places('[[registry]]\nprefix = "*.example.com"\nlocation = "one.test/all"', 'a.example.com/x/y:1')).toEqual([
      'one.test/all/x/y:1',
    ]);
    expect(matchLength('example.com/x', '*.example.com')).toBe(-1);
    expect(matchLength('evil-example.com/x', '*.example.com')).toBe(-1);
    expect(matchLength('evil.test/a.example.com', '*.example.com')).toBe(-1);
    expect(matchLength('a.example.com.evil.test/x', '*.example.com')).toBe(-1);
  });

  test('mirrors for digests, for tags, for both', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const text = (more: string): string =>
      `[[registry]]\nlocation = "r.test"\n${more}` +
      ['all', 'digest-only', 'tag-only']
        .map((pull) => `[[registry.mirror]]\nlocation = "${pull}.test"\npull-from-mirror = "${pull}"\n`)
        .join('');
    expect(places(text(''), 'r.test/x:1')).toEqual(['all.test/x:1 mirror', 'tag-only.test/x:1 mirror', 'r.test/x:1']);
    expect(places(text(''), `r.test/x@${digest}`)).toEqual([
      `all.test/x@${digest} mirror`,
      `digest-only.test/x@${digest} mirror`,
      `r.test/x@${digest}`,
    ]);
    const old =
      '[[registry]]\nlocation = "r.test"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m.test"\n';
    expect(places(old, 'r.test/x:1')).toEqual(['r.test/x:1']);
    expect(places(old, `r.test/x@${digest}`).length).toBe(2);
  });

  test('a blocked one is refused, to pull and to push, and pushes go to the name itself', () => {
    const blocked = conf('[[registry]]\nlocation = "r.test"\nblocked = true');
    expect(() => pullEndpoints(blocked, parseImageName('r.test/x'))).toThrow(/blocked \("r.test" in test.conf\)/);
    expect(() => pushEndpoint(blocked, parseImageName('r.test/x'))).toThrow(/blocked/);
    const name = parseImageName('example.com/foo/image:1');
    expect(pushEndpoint(conf(EXAMPLE), name)).toEqual({ name, insecure: false, mirror: false });
  });

  test('a location that makes no name is refused', () => {
    expect(() => places('[[registry]]\nprefix = "r.test"\nlocation = "short"', 'r.test/x')).toThrow(/makes no name/);
    expect(() => places('[[registry]]\nprefix = "r.test/a"\nlocation = "m.test/UPPER"', 'r.test/a/x')).toThrow(
      /makes no name/,
    );
  });
});

describe('files', () => {
  test.each([
    ['[registries.search]\nregistries = ["a"]', /version 1/],
    ['x = ', /line 1, column \d+ is not TOML/],
    ['[[registry]]\nprefix = "a.test"', /no location/],
    ['[[registry]]\ninsecure = true', /neither prefix nor location/],
    ['[[registry]]\nlocation = "https://a.test"', /without http/],
    ['[[registry]]\nlocation = 7', /registry\.0\.location/],
    ['[[registry]]\nlocation = "a.test"\npull-from-mirror = "all"', /belongs into the mirrors/],
    [
      '[[registry]]\nlocation = "a.test"\n[[registry.mirror]]\nlocation = "b.test"\npull-from-mirror = "never"',
      /pull-from-mirror/,
    ],
    [
      '[[registry]]\nlocation = "a.test"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "b.test"\npull-from-mirror = "all"',
      /mirror-by-digest-only/,
    ],
    ['unqualified-search-registries = "a"', /unqualified-search-registries/],
  ])('%j is refused', (text, reason) => expect(() => conf(text)).toThrow(reason));

  test('a later file replaces the rule of the same prefix, the lists, and single aliases', () => {
    const first = conf(
      'unqualified-search-registries = ["a.test"]\n[[registry]]\nlocation = "r.test"\ninsecure = true\n[aliases]\nx = "r.test/x"\ny = "r.test/y"\n',
    );
    const both = addConf(
      first,
      'next.conf',
      'unqualified-search-registries = ["b.test"]\n[[registry]]\nlocation = "r.test"\n[[registry]]\nlocation = "s.test"\n[aliases]\nx = ""\ny = "s.test/y"\n',
    );
    expect(both.rules.map(({ prefix, insecure, file }) => [prefix, insecure, file])).toEqual([
      ['r.test', false, 'next.conf'],
      ['s.test', false, 'next.conf'],
    ]);
    expect(both.search).toEqual(['b.test']);
    expect([...both.aliases]).toEqual([['y', 's.test/y']]);
  });

  test('a short name is that of its alias, else one of each search registry: a choice', () => {
    const both = conf(
      'unqualified-search-registries = ["docker.io", "quay.io"]\n[aliases]\ndebian = "docker.io/library/debian"',
    );
    expect(candidates(both, 'debian:12')).toEqual(['docker.io/library/debian:12']);
    expect(candidates(both, 'alpine:3')).toEqual(['docker.io/library/alpine:3', 'quay.io/alpine:3']);
    expect(candidates(both, 'a/b')).toEqual(['docker.io/a/b', 'quay.io/a/b']);
    expect(candidates(emptyConf, 'alpine')).toEqual([]);
  });

  describe('of the machine and the user', () => {
    let folder: string;
    beforeAll(() => (folder = makeScratch('tmpfs')));
    afterAll(() => removeScratch(folder));
    const write = (name: string, search: string): void => {
      mkdirSync(join(folder, name, '..'), { recursive: true });
      writeFileSync(
        join(folder, name),
        `unqualified-search-registries = ["${search}"]\n[[registry]]\nlocation = "${search}"`,
      );
    };
    const load = (environment: Record<string, string> = {}): string[] => {
      const { rules } = loadRegistriesConf({
        etc: join(folder, 'etc'),
        environment: { HOME: join(folder, 'home'), ...environment },
      });
      return rules.map(({ prefix }) => prefix);
    };

    test("drop-ins follow the file, in the order of their names; the user's file leaves the machine's out", () => {
      expect(load()).toEqual([]);
      write('etc/containers/registries.conf', 'system');
      write('etc/containers/registries.conf.d/20.conf', 'system-20');
      write('etc/containers/registries.conf.d/10.conf', 'system-10');
      write('etc/containers/registries.conf.d/ignored.txt', 'ignored');
      write('home/.config/containers/registries.conf.d/30.conf', 'user-30');
      expect(load()).toEqual(['system', 'system-10', 'system-20', 'user-30']);
      write('home/.config/containers/registries.conf', 'user');
      expect(load()).toEqual(['user', 'user-30']);
      write('own.conf', 'own');
      expect(load({ CONTAINERS_REGISTRIES_CONF: join(folder, 'own.conf') })).toEqual([
        'own',
        'system-10',
        'system-20',
        'user-30',
      ]);
      expect(() => load({ CONTAINERS_REGISTRIES_CONF: join(folder, 'absent.conf') })).toThrow(
        /absent\.conf cannot be read/,
      );
    });
  });
});
