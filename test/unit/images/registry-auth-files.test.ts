// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { authFilePaths, readAuthFile } from '../../../src/main/images/registry/auth-files';
import { hostOfKey, keysOf, matchingKey } from '../../../src/main/images/registry/auth-keys';
import { findCredentials } from '../../../src/main/images/registry/credentials';
import { makeScratch, removeScratch } from '../../support/scratch';

let home: string;
beforeAll(() => (home = makeScratch('tmpfs')));
afterAll(() => removeScratch(home));

describe('the key of a repository', () => {
  test('goes from the most exact namespace to the host', () => {
    expect(keysOf('h:5000', 'a/b/c')).toEqual(['h:5000/a/b/c', 'h:5000/a/b', 'h:5000/a', 'h:5000']);
  });

  test.each([
    [['quay.io', 'quay.io/a'], 'quay.io', 'a/b', 'quay.io/a'],
    [['quay.io', 'quay.io/a/b/c'], 'quay.io', 'a/b', 'quay.io'],
    [['quay.io/ab'], 'quay.io', 'a/b', null],
    [['https://quay.io/v1/'], 'quay.io', 'a/b', 'https://quay.io/v1/'],
    [['http://h:5000'], 'h:5000', 'a', 'http://h:5000'],
    [['h'], 'h:5000', 'a', null],
    [['https://index.docker.io/v1/'], 'docker.io', 'library/debian', 'https://index.docker.io/v1/'],
    [['index.docker.io'], 'docker.io', 'library/debian', 'index.docker.io'],
    [['docker.io/library', 'https://index.docker.io/v1/'], 'docker.io', 'library/debian', 'docker.io/library'],
    [['https://index.docker.io/v1/'], 'quay.io', 'a', null],
  ])('of %j for %s/%s is %s', (keys, host, repository, key) => {
    expect(matchingKey(keys, host, repository, false)).toBe(key);
  });

  test('of ~/.dockercfg is never a namespace', () => {
    expect(matchingKey(['h/a/b'], 'h', 'a/b', true)).toBe('h/a/b');
    expect(hostOfKey('h/a/b', true)).toBe('h');
    expect(hostOfKey('h/a/b', false)).toBe(null);
  });

  test('with many keys, the longest that covers the repository wins', () => {
    const part = fc.constantFrom('a', 'b', 'c');
    const path = fc.array(part, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        path,
        fc.array(fc.tuple(fc.constantFrom('h', 'i'), fc.array(part, { maxLength: 4 }))),
        (wanted, keys) => {
          const texts = keys.map(([host, parts]) => [host, ...parts].join('/'));
          const covers = (key: string): boolean => `h/${wanted.join('/')}/`.startsWith(`${key}/`);
          const best = texts.filter(covers).sort((a, b) => b.length - a.length)[0] ?? null;
          expect(matchingKey(texts, 'h', wanted.join('/'), false)).toBe(best);
        },
      ),
    );
  });
});

describe('auth files', () => {
  const settings = (environment: Record<string, string> = {}): { environment: Record<string, string> } => ({
    environment: { HOME: home, XDG_RUNTIME_DIR: join(home, 'run'), ...environment },
  });
  const find = (host: string, repository: string, environment: Record<string, string> = {}) =>
    findCredentials(host, repository, settings(environment), AbortSignal.timeout(5000));
  const write = (name: string, content: unknown): string => {
    const path = join(home, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const encoded = (text: string): string => Buffer.from(text).toString('base64');

  test('are looked at in the order of containers-auth.json(5)', () => {
    expect(authFilePaths(settings()).map(({ path }) => path.replace(home, '~'))).toEqual([
      '~/run/containers/auth.json',
      '~/.config/containers/auth.json',
      '~/.docker/config.json',
      '~/.dockercfg',
    ]);
    const other = settings({ XDG_RUNTIME_DIR: '', XDG_CONFIG_HOME: '/c', DOCKER_CONFIG: '/d' });
    expect(authFilePaths(other).map(({ path }) => path)).toEqual([
      `/run/containers/${process.getuid?.()}/auth.json`,
      '/c/containers/auth.json',
      '/d/config.json',
      join(home, '.dockercfg'),
    ]);
    expect(authFilePaths(settings({ REGISTRY_AUTH_FILE: '/f' })).map(({ path }) => path)).toEqual(['/f']);
  });

  test('what an entry may hold', async () => {
    write('.docker/config.json', {
      auths: {
        plain: { username: 'u', password: 'p:q' },
        colon: { auth: encoded('u:p:q') },
        padded: { auth: encoded('u:p\0\0') },
        utf8: { auth: encoded('ü:ß') },
        identity: { auth: encoded('u:p'), identitytoken: 'i' },
        token: { registrytoken: 't' },
        empty: {},
        'no-colon': { auth: encoded('word') },
      },
    });
    const proof = async (host: string): Promise<unknown> => (await find(host, 'a')).proof;
    expect(await proof('plain')).toMatchObject({ basic: { username: 'u', password: 'p:q' } });
    expect(await proof('colon')).toMatchObject({ basic: { username: 'u', password: 'p:q' } });
    expect(await proof('padded')).toMatchObject({ basic: { username: 'u', password: 'p' } });
    expect(await proof('utf8')).toMatchObject({ basic: { username: 'ü', password: 'ß' } });
    expect(await proof('identity')).toMatchObject({ basic: { username: 'u' }, identityToken: 'i' });
    expect(await proof('token')).toMatchObject({ basic: null, registryToken: 't' });
    expect(await proof('empty')).toBe(null);
    expect(await proof('no-colon')).toBe(null);
    rmSync(join(home, '.docker'), { recursive: true });
  });

  test('an entry of the first file goes before a better one of the next', async () => {
    write('run/containers/auth.json', { auths: { h: { auth: encoded('first:1') } } });
    write('.config/containers/auth.json', { auths: { 'h/a': { auth: encoded('second:2') } } });
    expect((await find('h', 'a')).proof?.basic?.username).toBe('first');
    expect((await find('i', 'a')).looked.length).toBe(4);
  });

  test('what cannot be understood is told with its place, and nothing of its content', () => {
    for (const content of [
      '{"auths": {"h": "sesame',
      '[]',
      '{"auths": {"h": {"auth": 7}}}',
      '{"credHelpers": {"h": []}}',
    ]) {
      const path = write('bad.json', content);
      expect(() => readAuthFile(path, false)).toThrow(/bad\.json is not an auth file/);
      expect(() => readAuthFile(path, false)).not.toThrow(/sesame/);
    }
    expect(readAuthFile(write('empty.json', ' \n'), false)?.auths.size).toBe(0);
    expect(readAuthFile(join(home, 'absent.json'), false)).toBe(null);
    expect(readAuthFile(write('nulls.json', '{"auths": null, "credsStore": ""}'), false)?.store).toBe(null);
  });
});
