// SPDX-License-Identifier: MIT
import { describe } from 'vitest';
import { opaque, tableCase, x, xwhiteout } from '../support/table-case';
import { dir, file, whiteout, type Node } from '../support/tree';

/* The rules of the semantics that are about listing, a case a row; the order is held against the kernel's in each. */

const files = (...names: string[]): Record<string, Node> => Object.fromEntries(names.map((name) => [name, file('')]));

describe('3.1 merged directories', () => {
  tableCase({
    row: 'order: the last component first, then top-down what it does not have',
    upper: dir({ d: dir(files('both', 'z', 'u1', 'u3')) }),
    lowers: [dir({ d: dir(files('m1', 'm2', 'both2')) }), dir({ d: dir(files('both', 'l3', 'l1', 'l2', 'both2')) })],
    see: { '/d': 'dir U A B' },
  });
  tableCase({
    row: 'the root is always merged',
    lowers: [dir({ f: whiteout() })],
    data: [dir({})],
    see: { '/': 'list' },
  });
  tableCase({
    row: 'a name counts once, its type from the topmost layer',
    lowers: [dir({ d: dir({ f: dir({}) }) }), dir({ d: dir({ f: file('') }) })],
    see: { '/d/': 'list f', '/d/f': 'dir A' },
  });
  tableCase({
    row: 'char 0:0 whiteouts hide the name',
    lowers: [dir({ d: dir({ f: whiteout() }) }), dir({ d: dir(files('f', 'g')) })],
    see: { '/d/': 'list g' },
  });
  tableCase({
    row: 'a name that a middle layer whites out and the top has again',
    lowers: [dir({ d: dir(files('f')) }), dir({ d: dir({ f: whiteout() }) }), dir({ d: dir(files('f')) })],
    see: { '/d/': 'list f' },
  });
});

describe('3.2 not merged directories', () => {
  tableCase({
    row: 'whiteouts in an opaque directory are listed',
    lowers: [dir({ d: opaque({ f: whiteout() }) }), dir({ d: dir(files('f')) })],
    see: { '/d/': 'list f', '/d/f': 'ENOENT' },
  });
  tableCase({
    row: 'whiteouts in a pure lower directory are listed',
    lowers: [dir({ d: dir({ f: whiteout() }) }), dir({})],
    see: { '/d/': 'list f', '/d/f': 'ENOENT' },
  });
  tableCase({
    row: 'whiteouts in a pure upper directory are listed',
    upper: dir({ d: dir({ f: whiteout() }) }),
    lowers: [dir({})],
    see: { '/d/': 'list f', '/d/f': 'ENOENT' },
  });
});

describe('3.3 directories that look empty', () => {
  // rmdir itself belongs to the writable mount; here is what the listing says before it.
  tableCase({
    row: 'everything whiteouted',
    lowers: [dir({ d: dir({ f: whiteout() }) }), dir({ d: dir(files('f')) })],
    see: { '/d/': 'list' },
  });
  tableCase({
    row: 'non-merged lower with stray char whiteouts: listed',
    lowers: [dir({}), dir({ d: dir({ f: whiteout() }) })],
    see: { '/d/': 'list f' },
  });
  tableCase({
    row: 'pure upper with stray char whiteouts: listed',
    upper: dir({ d: dir({ f: whiteout() }) }),
    lowers: [dir({})],
    see: { '/d/': 'list f' },
  });
  tableCase({
    row: 'only content hidden by xattr whiteouts: ls is empty',
    lowers: [dir({ d: dir({ f: xwhiteout() }, { xattrs: x({ opaque: 'x' }) }) }), dir({ d: dir(files('f')) })],
    see: { '/d/': 'list' },
  });
});
