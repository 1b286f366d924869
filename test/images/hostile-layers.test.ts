// SPDX-License-Identifier: MIT
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Failure } from '@shared/failure';
import { DEFAULT_LIMITS } from '../../src/main/images/unpack/limits';
import type { UnpackTarget } from '../../src/main/images/unpack/unpack-layer';
import { rawTree } from '../support/raw-tree';
import { makeScratch, removeScratch } from '../support/scratch';
import { entry, long, pax, tar } from '../support/tar-bytes';
import { rebuilt, unpack } from '../support/unpacking';

/*
 * Layers that nobody makes in good faith. Around the folder that they are unpacked into stands a tree of canaries: names
 * that the layers aim at, which must be untouched, and nothing may be new beside them.
 */
let scratch: string;
let inside: string;

beforeEach(() => {
  scratch = makeScratch('disk');
  inside = `${scratch}/store/layers`;
  mkdirSync(inside, { recursive: true });
  mkdirSync(`${scratch}/etc`);
  writeFileSync(`${scratch}/etc/passwd`, 'canary\n');
  writeFileSync(`${scratch}/canary`, 'canary\n');
  writeFileSync(`${inside}/canary`, 'canary\n');
  mkdirSync(`${scratch}/empty`);
  symlinkSync('../etc', `${scratch}/store/link`);
});

afterEach(() => removeScratch(scratch));

/** All that is not of the layer or its record, the times of the folder that they are in but for. */
const outside = (): string[] =>
  rawTree(scratch, scratch, Infinity).filter((line) => !/^\/"store"\/"layers"( |\/"layer["/.])/.test(line));

/** Unpacks, and returns what went wrong; the canaries are checked whatever happens. */
async function refusal(layer: Buffer, options: Partial<UnpackTarget> = {}): Promise<Failure | null> {
  const before = outside();
  let failure: unknown = null;
  try {
    await unpack(layer, inside, 'layer', options);
  } catch (error) {
    failure = error;
  }
  expect(outside()).toEqual(before);
  if (failure !== null && !(failure instanceof Failure)) throw failure;
  return failure;
}

const up = (depth: number): string => '../'.repeat(depth);
const file = (name: string, content = 'evil\n', rest = {}): Buffer => entry({ name, content, ...rest });
const directory = (name: string): Buffer => entry({ name, type: '5', mode: 0o755 });
const symlink = (name: string, linkName: string): Buffer => entry({ name, type: '2', linkName });
const hardLink = (name: string, linkName: string): Buffer => entry({ name, type: '1', linkName });
const sizeField = (...bytes: number[]): Buffer =>
  Buffer.from([...bytes, ...new Array<number>(12).fill(0)]).subarray(0, 12);

interface Hostile {
  readonly layer: () => Buffer;
  readonly entry: string;
  readonly code: string;
  readonly options?: Partial<UnpackTarget>;
}

const HOSTILE: Readonly<Record<string, Hostile>> = {
  'a name with ..': { layer: () => tar(file(`${up(3)}canary`)), entry: `${up(3)}canary`, code: 'unsafe-entry' },
  'a name with .. behind a directory': {
    layer: () => tar(directory('a'), file('a/../../canary')),
    entry: 'a/../../canary',
    code: 'unsafe-entry',
  },
  'an absolute name with ..': {
    layer: () => tar(file(`/${up(9)}canary`)),
    entry: `/${up(9)}canary`,
    code: 'unsafe-entry',
  },
  'a PAX path with ..': {
    layer: () => tar(pax({ path: `${up(3)}canary` }), file('harmless')),
    entry: `${up(3)}canary`,
    code: 'unsafe-entry',
  },
  'a long name with ..': {
    layer: () => tar(long('L', `${up(3)}canary`), file('harmless', 'x', { format: 'gnu' })),
    entry: `${up(3)}canary`,
    code: 'unsafe-entry',
  },
  'a prefix with ..': {
    layer: () => tar(file('canary', 'x', { prefix: '../..' })),
    entry: '../../canary',
    code: 'unsafe-entry',
  },
  'a directory that is ..': { layer: () => tar(directory('..')), entry: '..', code: 'unsafe-entry' },
  'a file through a symlink that leads up': {
    layer: () => tar(symlink('out', '../..'), file('out/canary')),
    entry: 'out/canary',
    code: 'unsafe-entry',
  },
  'a file through an absolute symlink': {
    layer: () => tar(symlink('out', scratch), file('out/canary')),
    entry: 'out/canary',
    code: 'unsafe-entry',
  },
  'a file through a symlink to a symlink': {
    layer: () => tar(symlink('a', '..'), symlink('b', 'a/..'), file('b/canary')),
    entry: 'b/canary',
    code: 'unsafe-entry',
  },
  'a file through a symlink that stays inside': {
    layer: () => tar(directory('d'), symlink('in', 'd'), file('in/f')),
    entry: 'in/f',
    code: 'unsafe-entry',
  },
  'a directory over a symlink': {
    layer: () => tar(symlink('out', '../..'), directory('out'), file('out/canary')),
    entry: 'out',
    code: 'unsafe-entry',
  },
  'a file over a symlink': {
    layer: () => tar(symlink('out', '../canary'), file('out')),
    entry: 'out',
    code: 'unsafe-entry',
  },
  'a hard link that leads up': { layer: () => tar(hardLink('x', '../canary')), entry: 'x', code: 'unsafe-entry' },
  'a hard link to an absolute path': {
    layer: () => tar(hardLink('x', '/etc/passwd')),
    entry: 'x',
    code: 'unsafe-entry',
  },
  'a hard link through a symlink': {
    layer: () => tar(symlink('out', '..'), hardLink('x', 'out/canary'), file('x')),
    entry: 'x',
    code: 'unsafe-entry',
  },
  'a hard link to a symlink that leads out, written to': {
    layer: () => tar(symlink('out', '../canary'), hardLink('x', 'out'), file('x')),
    entry: 'x',
    code: 'unsafe-entry',
  },
  'a hard link to a directory': {
    layer: () => tar(directory('d'), hardLink('x', 'd')),
    entry: 'x',
    code: 'unsafe-entry',
  },
  'a hard link to the root': { layer: () => tar(hardLink('x', '/')), entry: 'x', code: 'unsafe-entry' },
  'a hard link to itself': { layer: () => tar(hardLink('x', 'x')), entry: 'x', code: 'unsafe-entry' },
  'a hard link to a whiteout': {
    layer: () => tar(file('.wh.x', ''), hardLink('y', 'x')),
    entry: 'y',
    code: 'unsafe-entry',
  },
  'a whiteout of ..': { layer: () => tar(file('.wh...', '')), entry: '.wh...', code: 'unsafe-entry' },
  'a whiteout of .': { layer: () => tar(file('d/.wh..', '')), entry: 'd/.wh..', code: 'unsafe-entry' },
  'a whiteout of no name': { layer: () => tar(file('.wh.', '')), entry: '.wh.', code: 'unsafe-entry' },
  'a whiteout through a symlink': {
    layer: () => tar(symlink('out', '..'), file('out/.wh.canary', '')),
    entry: 'out/.wh.canary',
    code: 'unsafe-entry',
  },
  'an opaque mark through a symlink': {
    layer: () => tar(symlink('out', '..'), file('out/.wh..wh..opq', '')),
    entry: 'out/.wh..wh..opq',
    code: 'unsafe-entry',
  },
  'a file inside of a whiteout': {
    layer: () => tar(directory('.wh.d'), file('.wh.d/f')),
    entry: '.wh.d/f',
    code: 'unsafe-entry',
  },
  'a device that is a whiteout': {
    layer: () => tar(entry({ name: 'etc', type: '3' })),
    entry: 'etc',
    code: 'unsafe-entry',
  },
  'a device of numbers that Linux has not': {
    layer: () => tar(entry({ name: 'sda', type: '4', major: 0x1fff, minor: 0 })),
    entry: 'sda',
    code: 'bad-tar',
  },
  'a file twice': { layer: () => tar(file('a'), file('a')), entry: 'a', code: 'unsafe-entry' },
  'a file, then a directory': { layer: () => tar(file('a'), directory('a/')), entry: 'a/', code: 'unsafe-entry' },
  'a directory, then a file': {
    layer: () => tar(directory('a'), file('a/b'), file('a')),
    entry: 'a',
    code: 'unsafe-entry',
  },
  'a file, then something in it': { layer: () => tar(file('a'), file('a/b')), entry: 'a/b', code: 'unsafe-entry' },
  'a fifo, then something in it': {
    layer: () => tar(entry({ name: 'a', type: '6' }), file('a/b')),
    entry: 'a/b',
    code: 'unsafe-entry',
  },
  'a fifo, then a file over it': {
    layer: () => tar(entry({ name: 'a', type: '6' }), file('a')),
    entry: 'a',
    code: 'unsafe-entry',
  },
  'a symlink in the place of the root': { layer: () => tar(symlink('./', '..')), entry: './', code: 'unsafe-entry' },
  'a file in the place of the root': { layer: () => tar(file('/')), entry: '/', code: 'unsafe-entry' },
  'a PAX path with a NUL': {
    layer: () => tar(pax({ path: 'a\0b' }), file('x')),
    entry: 'PaxHeaders/x',
    code: 'bad-tar',
  },
  'a symlink to nothing': { layer: () => tar(symlink('a', '')), entry: 'a', code: 'unsafe-entry' },
  'a component over 255 bytes': {
    layer: () => tar(pax({ path: `d/${'n'.repeat(256)}` }), file('x')),
    entry: `d/${'n'.repeat(256)}`,
    code: 'unsafe-entry',
  },
  'a path over 4095 bytes': {
    layer: () => tar(pax({ path: 'd/'.repeat(3000) }), file('x')),
    entry: 'd/'.repeat(3000),
    code: 'unsafe-entry',
  },
  'a negative size': {
    layer: () => tar(file('x', '', { size: Buffer.alloc(12, 0xff) })),
    entry: 'x',
    code: 'bad-tar',
  },
  'a negative PAX size': { layer: () => tar(pax({ size: '-512' }), file('x')), entry: 'x', code: 'bad-tar' },
  'a size of 2^70': {
    layer: () => tar(file('x', '', { size: sizeField(0x80, 0, 0, 0x40) })),
    entry: 'x',
    code: 'bad-tar',
  },
  'a size that the archive has not': { layer: () => tar(file('x', '', { size: 1e9 })), entry: 'x', code: 'truncated' },
  'an extended header of 2 GiB': {
    layer: () => tar(entry({ name: 'x', type: 'x', size: 0x7fff_ffff })),
    entry: 'x',
    code: 'over-limit',
  },
  'a long name of 2 MiB': {
    layer: () => tar(long('L', 'x'.repeat(2 << 20)), file('x')),
    entry: '././@LongLink',
    code: 'over-limit',
  },
  'extended headers without end': {
    layer: () => tar(...Array.from({ length: 100 }, () => pax({ comment: 'x' })), file('x')),
    entry: 'PaxHeaders/x',
    code: 'bad-tar',
  },
  'a global header that renames all': {
    layer: () => tar(pax({ path: '/etc/passwd' }, 'g'), file('x')),
    entry: 'PaxHeaders/x',
    code: 'bad-tar',
  },
  'a PAX record longer than its header': {
    layer: () => tar(entry({ name: 'x', type: 'x', content: '99 path=a\n' }), file('x')),
    entry: 'x',
    code: 'bad-tar',
  },
  'an owner that chown takes for "no change"': {
    layer: () => tar(pax({ uid: '4294967295' }), file('x')),
    entry: 'x',
    code: 'bad-tar',
  },
  'a sparse map that goes backwards': {
    layer: () =>
      tar(
        pax({
          'GNU.sparse.major': '0',
          'GNU.sparse.minor': '1',
          'GNU.sparse.numblocks': '2',
          'GNU.sparse.map': '8,2,4,2',
        }),
        file('x', 'abcd'),
      ),
    entry: 'x',
    code: 'bad-tar',
  },
  'a sparse map past the end of the file': {
    layer: () =>
      tar(
        pax({
          'GNU.sparse.major': '0',
          'GNU.sparse.minor': '1',
          'GNU.sparse.size': '10',
          'GNU.sparse.numblocks': '1',
          'GNU.sparse.map': '8,4',
        }),
        file('x', 'abcd'),
      ),
    entry: 'x',
    code: 'bad-tar',
  },
  'a sparse file of 4 EiB': {
    layer: () =>
      tar(
        pax({
          'GNU.sparse.major': '0',
          'GNU.sparse.minor': '1',
          'GNU.sparse.size': '4611686018427000',
          'GNU.sparse.numblocks': '0',
        }),
        file('x', ''),
      ),
    entry: 'x',
    code: 'over-limit',
  },
  'a wrong checksum': { layer: () => tar(file('x', '', { checksum: 'wrong' })), entry: '', code: 'bad-tar' },
  'a zero block between entries': {
    layer: () => tar(file('x'), Buffer.alloc(512), file('y')),
    entry: 'x',
    code: 'bad-tar',
  },
  'an end in the middle of a header': {
    layer: () => tar(file('x'), file('y')).subarray(0, 1100),
    entry: 'x',
    code: 'truncated',
  },
  'a type that no image has': { layer: () => tar(file('x', '', { type: 'Z' })), entry: 'x', code: 'unsupported-entry' },
  'a bomb of gzip': {
    layer: () => gzipSync(tar(file('zeros', '\0'.repeat(8 << 20)))),
    entry: 'zeros',
    code: 'over-limit',
    options: { limits: { ...DEFAULT_LIMITS, ratio: 200, ratioFrom: 1 << 20 } },
  },
  'more bytes than are allowed': {
    layer: () => tar(file('x', 'x'.repeat(1 << 20))),
    entry: 'x',
    code: 'over-limit',
    options: { limits: { ...DEFAULT_LIMITS, tarBytes: 1 << 19 } },
  },
  'more entries than are allowed': {
    layer: () => tar(file('a'), file('b'), file('c')),
    entry: 'c',
    code: 'over-limit',
    options: { limits: { ...DEFAULT_LIMITS, entries: 2 } },
  },
  'a blob that is cut off': {
    layer: () => gzipSync(tar(file('x', 'x'.repeat(5000)))).subarray(0, 60),
    entry: '',
    code: 'truncated',
  },
  'a blob of another compressor': { layer: () => Buffer.from('BZh91AY&SY'), entry: '', code: 'unsupported-entry' },
  'no tar at all': { layer: () => Buffer.from('<html>'.repeat(500)), entry: '', code: 'bad-tar' },
};

describe('a hostile layer writes nothing outside of its folder, and is refused by name', () => {
  for (const [what, { layer, entry: name, code, options }] of Object.entries(HOSTILE)) {
    it(what, async () => {
      const failure = await refusal(layer(), options);
      expect(failure?.code).toBe(code);
      expect(failure?.message).toMatch(/^Layer sha256:test/);
      if (name !== '') expect(failure?.message).toContain(`entry ${name}:`);
      expect(failure?.hint).not.toBe('');
    });
  }
});

describe('a strange layer is unpacked inside of its folder', () => {
  it('takes absolute names as names in the layer', async () => {
    expect(await refusal(tar(file('/etc/passwd', 'inner\n'), file('//a///./b', 'c')))).toBe(null);
    expect(readFileSync(`${inside}/layer/etc/passwd`, 'latin1')).toBe('inner\n');
    expect(readFileSync(`${inside}/layer/a/b`, 'latin1')).toBe('c');
  });

  it('keeps symlinks that lead out, as they are, and names with newlines', async () => {
    expect(await refusal(tar(symlink('out', '../../canary'), symlink('abs', '/etc'), file('new\nline')))).toBe(null);
    expect(existsSync(`${inside}/layer/new\nline`)).toBe(true);
  });

  it('lets the last byte of a limit in', async () => {
    const layer = tar(file('x', 'x'.repeat(1000)));
    expect(
      await refusal(layer, { limits: { ...DEFAULT_LIMITS, tarBytes: layer.length, entries: 1, fileBytes: 1000 } }),
    ).toBe(null);
  });
});

describe('mutated layers', () => {
  const seed = tar(
    directory('./'),
    directory('a/'),
    file('a/f', 'content'.repeat(100)),
    symlink('a/s', '../../canary'),
    hardLink('a/h', 'a/f'),
    pax({ path: 'ä/long'.repeat(20), mtime: '123.456', 'SCHILY.xattr.user.x': 'y' }),
    file('ignored', 'pax'),
    long('L', 'l'.repeat(150)),
    file('ignored', 'gnu', { format: 'gnu' }),
    file('a/.wh.gone', ''),
    file('b/.wh..wh..opq', ''),
    entry({ name: 'dev', type: '4', major: 8, minor: 1 }),
    pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'sp', 'GNU.sparse.realsize': '9000' }),
    file('GNUSparseFile.0/sp', `1\n4096\n4\n${'\0'.repeat(503)}data`),
  );
  // Sums what a mutation broke, so that it is the fields that are tried and not only the sum.
  const resum = (bytes: Buffer): void => {
    for (let at = 0; at + 512 <= bytes.length; at += 512) {
      if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
      bytes.fill(' ', at + 148, at + 156);
      let sum = 0;
      for (let i = at; i < at + 512; i++) sum += bytes[i]!;
      bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
    }
  };
  const fragment = fc.oneof(
    fc.constantFrom(
      '../',
      '/',
      '..',
      '.wh.',
      '.wh..wh..opq',
      'a/s',
      'canary',
      '\0',
      '1',
      '2',
      '5',
      '7777777',
      'S',
      'x',
      'g',
      'L',
    ),
    fc.string({ minLength: 1, maxLength: 4, unit: 'binary-ascii' }),
  );
  const mutation = fc.record({ at: fc.nat(seed.length - 1), bytes: fragment });

  it('write nothing outside, and what is accepted is rebuilt byte for byte', async () => {
    const runs = Number(process.env['LAMINA_FUZZ_RUNS'] ?? 150);
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), fc.boolean(), async (mutations, fixSums) => {
        const layer = Buffer.from(seed);
        for (const { at, bytes } of mutations) layer.write(bytes, at, 'latin1');
        if (fixSums) resum(layer);
        const failure = await refusal(layer);
        if (failure === null) {
          accepted++;
          const again = await rebuilt({ folder: `${inside}/layer`, tarSplit: `${inside}/layer.tar-split.gz` });
          expect(again.equals(layer)).toBe(true);
        }
        rmSync(`${inside}/layer`, { recursive: true, force: true });
        rmSync(`${inside}/layer.tar-split.gz`, { force: true });
      }),
      { numRuns: runs },
    );
    // Most mutations hit content or padding, or are undone: else this would only try refusals.
    expect(accepted).toBeGreaterThan(runs / 20);
  });

  it('accepts the layer that they are made of', async () => {
    expect(await refusal(seed)).toBe(null);
    expect((await rebuilt({ folder: `${inside}/layer`, tarSplit: `${inside}/layer.tar-split.gz` })).equals(seed)).toBe(
      true,
    );
  });
});
