// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TarEntry } from '../../../src/main/images/tar/entry';
import { headerNumber, paxTime } from '../../../src/main/images/tar/numbers';
import { TarReader } from '../../../src/main/images/tar/reader';
import { TarError } from '../../../src/main/images/tar/tar-error';
import { aclFromText } from '../../../src/main/images/tar/text-acl';
import { END, entry, long, pax, streamOf, tar } from '../../support/tar-bytes';

interface Read {
  readonly entries: readonly (TarEntry & { readonly content: string })[];
  /** All bytes that the reader gave out, raw ones and content, in the archive's order. */
  readonly bytes: Buffer;
}

async function read(bytes: Buffer, piece?: number): Promise<Read> {
  const reader = new TarReader(streamOf(bytes, piece));
  const entries: (TarEntry & { readonly content: string })[] = [];
  const all: Buffer[] = [];
  for (let next = await reader.next(); next !== null; next = await reader.next()) {
    all.push(reader.takeRaw());
    const content: Buffer[] = [];
    for (let part = await reader.read(); part !== null; part = await reader.read()) content.push(part);
    all.push(...content);
    entries.push({ ...next, content: Buffer.concat(content).toString('latin1') });
  }
  all.push(reader.takeRaw());
  for (let part = await reader.trailing(); part !== null; part = await reader.trailing()) all.push(part);
  return { entries, bytes: Buffer.concat(all) };
}

const only = async (...parts: Buffer[]): Promise<TarEntry & { readonly content: string }> => {
  const bytes = tar(...parts);
  const result = await read(bytes);
  expect(result.bytes.equals(bytes)).toBe(true);
  expect(result.entries.length).toBe(1);
  return result.entries[0]!;
};

const plain = entry({ name: 'plain', content: 'content' });

describe('header numbers', () => {
  const number = (bytes: Buffer): number => headerNumber(bytes, 0, bytes.length, 'size');
  it('are octal, with spaces and NULs around', () => {
    expect(number(Buffer.from('0000644\0'))).toBe(0o644);
    expect(number(Buffer.from('  644 \0 '))).toBe(0o644);
    expect(number(Buffer.from('77777777777'))).toBe(8 ** 11 - 1);
    expect(number(Buffer.alloc(8))).toBe(0);
    for (const wrong of ['0000648\0', '644 1   ', 'abc', '-1      ', '0x10'])
      expect(() => number(Buffer.from(wrong))).toThrow(TarError);
  });

  it('or base 256, negative ones as complements', () => {
    expect(number(Buffer.from('800000000000000200000000', 'hex'))).toBe(2 ** 33);
    expect(number(Buffer.from('ffffffffffffffffffffffff', 'hex'))).toBe(-1);
    expect(number(Buffer.from('ffffffffffffffffffff0000', 'hex'))).toBe(-65536);
    expect(() => number(Buffer.from('8000ffffffffffffffffffff', 'hex'))).toThrow(/too large/);
  });
});

describe('PAX times', () => {
  it('are cut to nanoseconds, and round down', () => {
    expect(paxTime('1.5', 'mtime')).toEqual({ seconds: 1, nanoseconds: 500_000_000 });
    expect(paxTime('1234567890.1234567899', 'mtime')).toEqual({ seconds: 1_234_567_890, nanoseconds: 123_456_789 });
    expect(paxTime('-1.25', 'mtime')).toEqual({ seconds: -2, nanoseconds: 750_000_000 });
    expect(paxTime('-0.0', 'mtime')).toEqual({ seconds: 0, nanoseconds: 0 });
    for (const wrong of ['', '1.', '.5', '1e3', '1.5.5', ' 1'].filter((text) => text !== '1.'))
      expect(() => paxTime(wrong, 'mtime')).toThrow(TarError);
  });
});

describe('ACLs as text', () => {
  it('become the value of the attribute, sorted as the kernel wants it', () => {
    const value = aclFromText('user::rw-,group::r--,other::---,mask::r-x,user:lisa:rwx:1001,user:7:r--');
    expect(Buffer.from(value!, 'latin1').toString('hex')).toBe(
      '02000000' +
        '01000600ffffffff' +
        '0200040007000000' +
        '02000700e9030000' +
        '04000400ffffffff' +
        '10000500ffffffff' +
        '20000000ffffffff',
    );
    expect(aclFromText('user::rw-\ngroup::r-- #effective:r--\nother::---\n')).not.toBe(null);
    expect(aclFromText('user::rw-,user:lisa:rwx,group::r--,mask::rwx,other::---')).toBe(null);
    expect(aclFromText('rubbish')).toBe(null);
  });
});

describe('entries', () => {
  it('of v7, ustar and GNU', async () => {
    const v7 = await only(entry({ name: 'old', format: 'v7', type: '\0', mode: 0o4755, uid: 3, gid: 4, content: 'x' }));
    expect(v7).toMatchObject({ name: 'old', kind: 'file', mode: 0o4755, uid: 3, gid: 4, content: 'x' });
    const directory = await only(entry({ name: 'old/', format: 'v7', type: '\0' }));
    expect(directory.kind).toBe('directory');
    const ustar = await only(entry({ name: 'name', prefix: 'a/prefix', type: '3', major: 5, minor: 70_000 }));
    expect(ustar).toMatchObject({ name: 'a/prefix/name', kind: 'character', major: 5, minor: 70_000 });
    const gnu = await only(
      long('L', 'long/'.repeat(40)),
      long('K', 'target'.repeat(40)),
      entry({ name: 'x', type: '2', format: 'gnu' }),
    );
    expect(gnu).toMatchObject({ name: 'long/'.repeat(40), linkName: 'target'.repeat(40), kind: 'symlink' });
  });

  it('with PAX records, of the entry and of all', async () => {
    const records = {
      path: 'p\xc3\xa4th',
      size: '4',
      uid: '3000000000',
      mtime: '5.000000001',
      atime: '6.5',
      'SCHILY.xattr.user.a=b': 'c',
    };
    const one = await only(
      pax(records),
      entry({ name: 'x', size: 0 }).subarray(0, 512),
      Buffer.from('data'.padEnd(512, '\0')),
    );
    expect(one).toMatchObject({ name: 'p\xc3\xa4th', content: 'data', uid: 3_000_000_000 });
    expect(one.mtime).toEqual({ seconds: 5, nanoseconds: 1 });
    expect(one.atime).toEqual({ seconds: 6, nanoseconds: 500_000_000 });
    const { entries } = await read(
      tar(pax({ gid: '77', 'SCHILY.xattr.user.g': '1' }, 'g'), pax({ gid: '78' }), plain, plain),
    );
    expect(entries.map(({ kind, gid }) => [kind, gid])).toEqual([
      ['global', 0],
      ['file', 78],
      ['file', 77],
    ]);
    expect([...entries[1]!.xattrs]).toEqual([['user.g', '1']]);
  });

  it('with attributes as libarchive writes them', async () => {
    const value = Buffer.from('\0\xff=', 'latin1').toString('base64');
    const { xattrs } = await only(
      pax({ 'LIBARCHIVE.xattr.user.a%3Db': value, 'LIBARCHIVE.xattr.user.c': 'ZA' }),
      plain,
    );
    expect([...xattrs]).toEqual([
      ['user.a=b', '\0\xff='],
      ['user.c', 'd'],
    ]);
  });

  it('with sums of signed chars, and with none that is right', async () => {
    expect((await only(entry({ name: 'n\xe9', checksum: 'signed' }))).name).toBe('n\xe9');
    await expect(read(tar(entry({ name: 'x', checksum: 'wrong' })))).rejects.toThrow(/checksum/);
  });

  it('of links and directories have no content, whatever their size field says', async () => {
    for (const type of ['1', '2', '5', '6'])
      expect(await only(entry({ name: 'x', type, size: 5000, linkName: 'y' }))).toMatchObject({ size: 0, stored: 0 });
  });
});

describe('the end of an archive', () => {
  it('is two zero blocks, one, or none, with anything behind two', async () => {
    for (const end of [
      END,
      Buffer.alloc(512),
      Buffer.alloc(0),
      Buffer.alloc(10_240),
      Buffer.concat([END, Buffer.from('junk')]),
    ]) {
      const bytes = Buffer.concat([plain, end]);
      const result = await read(bytes);
      expect(result.entries.length).toBe(1);
      expect(result.bytes.equals(bytes)).toBe(true);
    }
  });

  it('may come before the padding of the last file', async () => {
    const bytes = plain.subarray(0, 600);
    expect((await read(bytes)).bytes.equals(bytes)).toBe(true);
  });
});

describe('any pieces', () => {
  it('give the same entries and all bytes', async () => {
    const bytes = tar(
      pax({ path: 'p'.repeat(700), mtime: '1.5' }),
      plain,
      long('L', 'l'.repeat(1000)),
      plain,
      entry({ name: 'e', content: 'e'.repeat(3000) }),
    );
    const whole = await read(bytes, bytes.length);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2000 }), async (piece) => {
        const result = await read(bytes, piece);
        expect(result.entries).toEqual(whole.entries);
        expect(result.bytes.equals(bytes)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
