// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../../src/shared/bytes';
import { parsePaths } from '../../../src/main/desktop/parse-paths';

describe('parsePaths', () => {
  it.each<[string, string, string[]]>([
    ['a path', '/srv/a', ['/srv/a']],
    ['spaces around and doubled slashes', '  //srv//a/./ ', ['/srv/a']],
    ['the root', '/', ['/']],
    ['quotes', `'/srv/a b'\n"/srv/c"`, ['/srv/a b', '/srv/c']],
    ['the home folder', '~/x', ['/home/me/x']],
    ['a file manager’s list', '# copied\r\nfile:///srv/a%20b\r\nfile://localhost/srv/c', ['/srv/a b', '/srv/c']],
    ['letters beyond ASCII', '/srv/ü', [bytesOf('/srv/ü')]],
    ['bytes that are not UTF-8, in an address', 'file:///srv/%ff', ['/srv/\xff']],
    ['the same path twice', '/a\n/a/', ['/a']],
    ['parents, which symlinks may redirect', '/a/../b', ['/a/../b']],
    ['what is no absolute path', 'srv/a\nhttps://x/y\n\nhello', []],
    ['NUL, which no path holds', 'file:///a%00b', []],
  ])('reads %s', (_what, text, expected) => {
    expect(parsePaths(text, '/home/me')).toEqual(expected);
  });
});
