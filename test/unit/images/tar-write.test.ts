// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { bytesOf } from '@shared/bytes';
import type { WrittenEntry } from '../../../src/main/images/tar/write-entry';
import { headerOf } from '../../../src/main/images/tar/write-header';
import { paxRecords } from '../../../src/main/images/tar/write-pax';
import { tarOf } from '../../../src/main/images/tar/write-tar';

const entry = (fields: Partial<WrittenEntry> = {}): WrittenEntry => ({
  path: 'f',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 1,
  mtimeNs: 0,
  size: 0,
  target: '',
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: [],
  ...fields,
});
const records = (fields: Partial<WrittenEntry>): string => paxRecords(entry(fields)).toString('latin1');

describe('a PAX header', () => {
  test('is there only where the ustar header cannot hold an entry', () => {
    expect(records({})).toBe('');
    expect(headerOf(entry()).length).toBe(512);
    expect(records({ path: 'n'.repeat(100), uid: 0o7777777, mtime: 0o77777777777, size: 0o77777777777 })).toBe('');
    expect(headerOf(entry({ mtimeNs: 1 })).length).toBe(1536);
  });

  test.each<[Partial<WrittenEntry>, string]>([
    [{ path: 'n'.repeat(101) }, `111 path=${'n'.repeat(101)}\n`],
    [{ path: 'n'.repeat(100), type: 'directory' }, `111 path=${'n'.repeat(100)}/\n`],
    [{ path: bytesOf('é') }, `11 path=${bytesOf('é')}\n`],
    [{ path: '\xff' }, '9 path=\xff\n'],
    [{ type: 'symlink', target: 'l'.repeat(101) }, `115 linkpath=${'l'.repeat(101)}\n`],
    [{ uid: 4_000_000_000, gid: 0o10000000 }, '15 gid=2097152\n18 uid=4000000000\n'],
    [{ size: 0o100000000000 }, '19 size=8589934592\n'],
    [{ mtime: 1, mtimeNs: 120_000_000 }, '14 mtime=1.12\n'],
    [{ mtime: -1, mtimeNs: 500_000_000 }, '14 mtime=-0.5\n'],
    [{ mtime: -2, mtimeNs: 0 }, '12 mtime=-2\n'],
    [{ mtime: -2, mtimeNs: 250_000_000 }, '15 mtime=-1.75\n'],
    [
      {
        xattrs: [
          ['user.b', '\0\n='],
          ['user.a', ''],
        ],
      },
      '24 SCHILY.xattr.user.a=\n27 SCHILY.xattr.user.b=\0\n=\n',
    ],
  ])('%j is written as %j', (fields, text) => {
    expect(records(fields)).toBe(text);
  });

  test('counts its own length, also where that makes it a digit longer', () => {
    for (let length = 85; length < 105; length++) {
      const text = records({ xattrs: [['k', 'v'.repeat(length)]] });
      expect(Number(text.split(' ', 1)[0])).toBe(text.length);
    }
  });
});

describe('a tar', () => {
  const listed = (entries: WrittenEntry[]): string => {
    const chunks = [
      ...tarOf(
        entries.map((each) => ({ ...each, open: null })),
        () => {},
      ),
    ];
    const tar = spawnSync('tar', ['--quoting-style=escape', '--full-time', '--numeric-owner', '-tvf', '-'], {
      input: Buffer.concat(chunks),
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], TZ: 'UTC', LC_ALL: 'C' },
    });
    expect(tar.stderr).toBe('');
    return tar.stdout.replace(/ +/g, ' ');
  };

  test('is read by GNU tar as it was meant', () => {
    expect(
      listed([
        entry({ path: '.', type: 'directory', mode: 0o1777 }),
        entry({ path: `${'d'.repeat(120)}/f`, mode: 0o4755, uid: 3_000_000, mtime: 1, mtimeNs: 5 }),
        entry({ path: 'l', type: 'symlink', target: 'a b' }),
        entry({ path: 'h', type: 'link', target: 'l' }),
        entry({ path: 'c', type: 'char', deviceMajor: 4095, deviceMinor: 1_048_575 }),
        entry({ path: '\xff\n', type: 'fifo' }),
      ]),
    ).toBe(
      [
        'drwxrwxrwt 0/0 0 1970-01-01 00:00:01 ./',
        `-rwsr-xr-x 3000000/0 0 1970-01-01 00:00:01.000000005 ${'d'.repeat(120)}/f`,
        'lrw-r--r-- 0/0 0 1970-01-01 00:00:01 l -> a b',
        'hrw-r--r-- 0/0 0 1970-01-01 00:00:01 h link to l',
        'crw-r--r-- 0/0 4095,1048575 1970-01-01 00:00:01 c',
        'prw-r--r-- 0/0 0 1970-01-01 00:00:01 \\377\\n',
        '',
      ].join('\n'),
    );
  });
});
