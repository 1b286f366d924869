// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Composition } from '@shared/composition';
import { Failure } from '@shared/failure';
import { judgeOptions, OPTION_SPECS } from '@shared/options';
import type { OptionValues } from '@shared/options';
import { parseMountOptions } from '../../src/main/commands/parse-options';
import { optionString } from '../../src/main/commands/render';

const parse = (text: string, cwd = '/cwd') => parseMountOptions(text, cwd);
const paths = (entries: readonly { path: string }[]): string[] => entries.map(({ path }) => path);
const lowers = (text: string): string[] => paths(parse(text).lowers);

function failure(text: string): Failure {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe('layers', () => {
  test.each<[string, string[], string[]]>([
    ['lowerdir=/a', ['/a'], []],
    ['lowerdir=/a:/b', ['/a', '/b'], []],
    ['lowerdir=/a:/b::/c::/d', ['/a', '/b'], ['/c', '/d']],
    ['lowerdir+=/a,lowerdir+=/b,datadir+=/c,datadir+=/d', ['/a', '/b'], ['/c', '/d']],
    ['datadir+=/c', [], ['/c']],
    ['lowerdir=/a,lowerdir=/b', ['/b'], []],
    ['lowerdir+=/a,lowerdir=/b', ['/b'], []],
    ['lowerdir=/a:/b,lowerdir=', [], []],
    ['lowerdir=/a:/b,lowerdir=,lowerdir+=/c', ['/c'], []],
    ['lowerdir=', [], []],
  ])('%s', (text, expected, data) => {
    expect(lowers(text)).toEqual(expected);
    expect(paths(parse(text).data)).toEqual(data);
  });

  // The table of semantics 5.5, row mount(2).
  test.each<[string, string]>([
    ['lowerdir=/e\\\\f', '/e\\f'],
    ['lowerdir=/c\\:d', '/c:d'],
    ['lowerdir=/a\\,b', '/a,b'],
    ['lowerdir=/e\\f', '/ef'],
    ['lowerdir=/e\\', '/e'],
    ['lowerdir=/sp ace\t\n"\'=#', '/sp ace\t\n"\'=#'],
    ['lowerdir+=/e\\f', '/e\\f'],
    ['lowerdir+=/e\\\\f', '/e\\\\f'],
    ['lowerdir+=/c:d', '/c:d'],
    ['lowerdir+=/a\\,b', '/a\\,b'],
    ['lowerdir=/\xff\xfe', '/\xff\xfe'],
  ])('%j', (text, path) => {
    expect(lowers(text)).toEqual([path]);
  });

  test.each<[string, string]>([
    ['/c:d', '/c:d'],
    ['/c\\:d', '/c:d'],
    ['/a\\,b', '/a,b'],
    ['/e\\\\f', '/e\\f'],
    ['/e\\f', '/ef'],
  ])('upperdir and workdir %j', (value, path) => {
    expect(parse(`lowerdir=/l,upperdir=${value},workdir=${value}`).upper).toEqual({ path, workdir: path });
  });

  test('relative paths start at the working directory; .. is left to the kernel', () => {
    const { upper, lowers, data } = parse('lowerdir=l/AB:../x:/abs::d,upperdir=u,workdir=w', '/home/me/');
    expect(paths(lowers)).toEqual(['/home/me/l/AB', '/home/me/../x', '/abs']);
    expect(paths(data)).toEqual(['/home/me/d']);
    expect(upper).toEqual({ path: '/home/me/u', workdir: '/home/me/w' });
    expect(paths(parse('lowerdir=a', '/').lowers)).toEqual(['/a']);
  });

  test('ids are unique', () => {
    const { lowers, data } = parse('lowerdir=/a:/b::/c');
    expect(new Set([...lowers, ...data].map(({ id }) => id)).size).toBe(3);
  });

  test('an upper may lack its workdir, which judgeOptions tells; a workdir alone is ignored', () => {
    expect(parse('lowerdir=/a,upperdir=/u').upper).toEqual({ path: '/u', workdir: '' });
    expect(parse('lowerdir=/a:/b,workdir=/w')).toMatchObject({ upper: null, ignored: ['workdir=/w'] });
  });
});

describe('options', () => {
  test.each<[string, OptionValues]>([
    ['index=on,index=off', { index: 'off' }],
    ['fsync=strict,volatile', { volatile: true }],
    ['volatile,fsync=auto', { fsync: 'auto' }],
    ['userxattr,userxattr', { userxattr: true }],
    [
      'metacopy=on,redirect_dir=off,nfs_export=off,xino=auto,uuid=null',
      { metacopy: 'on', redirect_dir: 'off', nfs_export: 'off', xino: 'auto', uuid: 'null' },
    ],
    ['verity=require,default_permissions', { verity: 'require', default_permissions: true }],
  ])('%s', (text, options) => {
    expect(parse(text).options).toEqual(options);
  });

  test('container engines write empty items and mount(8) its own options', () => {
    const text = ',,lowerdir=l/A:l/B,upperdir=diff,workdir=work,,volatile,';
    expect(parse(text, '/s')).toMatchObject({
      upper: { path: '/s/diff', workdir: '/s/work' },
      lowers: [{ path: '/s/l/A' }, { path: '/s/l/B' }],
      options: { volatile: true },
      other: [],
      unknown: [],
    });
    const { other, unknown } = parse(
      'ro,noatime,x-systemd.automount,context="u:r:t",private,foo,squash_to_uid=7,Index=on,toString',
    );
    expect(other).toEqual(['ro', 'noatime', 'x-systemd.automount', 'context="u:r:t"', 'private']);
    expect(unknown).toEqual(['foo', 'squash_to_uid=7', 'Index=on', 'toString']);
  });
});

describe('what the kernel refuses while it reads', () => {
  test.each<[string, RegExp, RegExp]>([
    ['lowerdir=/a:', /lowerdir: it ends with a colon/, /\\:/],
    ['lowerdir=/a::', /ends with a colon/, /./],
    ['lowerdir=/a::/d::', /ends with a colon/, /./],
    ['lowerdir=:/a', /starts with a colon/, /./],
    ['lowerdir=::/a', /starts with a colon/, /./],
    ['lowerdir=/a:::/b', /more than two colons/, /data-only/],
    ['lowerdir=/a:::', /more than two colons/, /./],
    ['lowerdir=/a::/d:/b', /cannot follow a data-only layer/, /last/],
    ['datadir+=/d,lowerdir+=/a', /lowerdir\+: a regular lower layer cannot follow/, /before the first datadir/],
    ['lowerdir=/a,lowerdir+=/b', /lowerdir\+ cannot follow lowerdir/, /one lowerdir= list/],
    ['lowerdir=/a,datadir+=/b', /datadir\+ cannot follow lowerdir/, /./],
    ['lowerdir', /lowerdir needs a path/, /./],
    ['lowerdir+=', /lowerdir\+ needs a path/, /./],
    ['upperdir=', /upperdir needs a path/, /./],
    ['workdir', /workdir needs a path/, /./],
    ['index=1', /index=1/, /on or off/],
    ['index=ON', /index=ON/, /lower case/],
    ['index', /index needs a value/, /on or off/],
    ['metacopy=', /metacopy=/, /on or off/],
    ['redirect_dir=bogus', /redirect_dir=bogus/, /on, follow, nofollow or off/],
    ['fsync=0', /fsync=0/, /write volatile/],
    ['userxattr=1', /takes no value/, /alone/],
    ['volatile=on', /takes no value/, /alone/],
  ])('%s', (text, message, hint) => {
    const { code, message: told, hint: way } = failure(text);
    expect(code).toBe('EINVAL');
    expect(told).toMatch(message);
    expect(way).toMatch(hint);
  });
});

const HOSTILE = ' \t\n:,\\"\'%=#+$`;\xff\xfe\xc3\xa4abc.-'.split('');
const name = fc.string({
  unit: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)) },
  ),
  minLength: 1,
  maxLength: 12,
});
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`);
const entries = (min: number) =>
  fc.array(path, { minLength: min, maxLength: 4 }).map((all) => all.map((path, i) => ({ id: `x${i}`, path })));
const options = fc
  .record(
    Object.fromEntries(
      OPTION_SPECS.map(({ name, kind, values }) => [
        name,
        kind === 'flag' ? fc.constant(true) : fc.constantFrom(...values),
      ]),
    ),
    { requiredKeys: [] },
  )
  // One option by two names; a text has only the last of them.
  .map((all) => (all['fsync'] ? { ...all, volatile: undefined } : all))
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as OptionValues);
const composition: fc.Arbitrary<Composition> = fc.record({
  id: fc.constant('c'),
  name: fc.constant('c'),
  upper: fc.option(fc.record({ path, workdir: fc.oneof(path, fc.constant('')) })),
  lowers: entries(1),
  data: entries(0),
  options,
  mountpoint: fc.constant(null),
});

describe('optionString', () => {
  test('is read back to the same composition, whatever the bytes', () => {
    fc.assert(
      fc.property(composition, (given) => {
        const read = parseMountOptions(optionString(given), '/elsewhere');
        expect(read.upper).toEqual(given.upper);
        expect(paths(read.lowers)).toEqual(paths(given.lowers));
        expect(paths(read.data)).toEqual(paths(given.data));
        expect(read.options).toEqual(given.options);
        expect([...read.other, ...read.unknown, ...read.ignored]).toEqual([]);
        expect(judgeOptions(read).effective).toEqual(judgeOptions(given).effective);
      }),
      { numRuns: 400 },
    );
  });

  test('any text at all is read or refused with a way out', () => {
    const piece = fc.constantFrom(
      'lowerdir=',
      'lowerdir+=',
      'datadir+=',
      'upperdir=',
      'workdir=',
      'index=',
      'on',
      ',',
      ':',
      '::',
      '\\',
      '/a',
      'volatile',
      '=',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        try {
          parseMountOptions(pieces.join(''), '/');
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
          expect((error as Failure).hint).not.toBe('');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
