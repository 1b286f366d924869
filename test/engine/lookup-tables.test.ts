// SPDX-License-Identifier: MIT
import { describe } from 'vitest';
import { meta, opaque, redirected, tableCase, x, xwhiteout } from '../support/table-case';
import { dir, file, symlink, whiteout, type Node } from '../support/tree';

/* The tables of the semantics that are about lookup, a case a row. Layers are A, B, C from the top. */

const inA = { 'in-A': file('a') };
const inB = { 'in-B': file('b') };
const inC = { 'in-C': file('c') };
const marked = (node: Node, marks: Record<string, string>): Node => ({ ...node, xattrs: x(marks) });

describe('1.1 extended attributes', () => {
  const over = (d: Node, row: string, see: Record<string, string>): void =>
    tableCase({ row, lowers: [dir({ d }), dir({ d: dir(inB) })], see });
  over(opaque(inA), 'opaque=y on a directory', { '/d': 'dir A', '/d/': 'list in-A' });
  over(marked(dir(inA), { opaque: 'x' }), 'opaque=x in a lower still merges', {
    '/d': 'dir A B',
    '/d/': 'list in-B in-A',
  });
  for (const value of ['n', 'Y', 'yes', '']) {
    over(marked(dir(inA), { opaque: value }), `opaque=${JSON.stringify(value)} is not opaque`, { '/d': 'dir A B' });
  }
  over(marked(dir(inA), { opaque: 'y', redirect: '/e' }), 'opaque=y with a redirect: the redirect is not read', {
    '/d': 'dir A',
  });
  tableCase({
    row: 'opaque on a file is ignored',
    lowers: [dir({ f: marked(file('a'), { opaque: 'y' }) }), dir({ f: file('b') })],
    see: { '/f': '= a' },
  });
  tableCase({
    row: 'metacopy on a directory is ignored',
    lowers: [dir({ d: marked(dir(inA), { metacopy: '' }) }), dir({ d: dir(inB) })],
    see: { '/d': 'dir A B' },
  });
  tableCase({
    row: 'redirect on a file without metacopy is ignored',
    lowers: [dir({ f: marked(file('a'), { redirect: '/g' }) }), dir({ g: file('b') })],
    see: { '/f': '= a' },
  });
  tableCase({
    row: 'opaque=y on the root of a layer is ignored',
    lowers: [opaque(inA), dir(inB)],
    see: { '/': 'list in-B in-A' },
  });
  tableCase({
    row: 'opaque=x on an upper directory has no effect',
    upper: dir({ d: marked(dir({ f: xwhiteout() }), { opaque: 'x' }) }),
    lowers: [dir({ d: dir({ f: file('a') }) })],
    see: { '/d': 'dir U A', '/d/': 'list f', '/d/f': 'ENOENT' },
  });
  tableCase({
    row: 'opaque in the last lower is not read',
    lowers: [dir({ d: dir(inA) }), dir({ d: opaque(inB) })],
    see: { '/d': 'dir A B' },
  });
  tableCase({
    row: 'redirect in the last lower is not read',
    lowers: [dir({}), dir({ d: redirected('/e', inB) })],
    options: 'nofollow',
    see: { '/d': 'dir B' },
  });
  tableCase({
    row: 'overlay.whiteout on an empty file, any value',
    lowers: [dir({ f: marked(file(''), { whiteout: 'y' }) }), dir({ f: file('b') })],
    see: { '/f': 'ENOENT' },
  });
  tableCase({
    row: 'overlay.origin on a directory: whiteouts in it are not listed',
    lowers: [dir({ d: marked(dir({ f: whiteout(), g: file('g') }), { origin: '' }) }), dir({})],
    see: { '/d/': 'list g' },
  });
  tableCase({
    row: 'overlay.impure upper: names whose lookup fails are not listed',
    upper: dir({ d: marked(dir({ f: meta(), g: file('g') }), { impure: 'y' }) }),
    lowers: [dir({ d: dir({}) })],
    options: 'metacopy',
    see: { '/d/': 'list g', '/d/f': 'EIO' },
  });
  tableCase({
    row: 'overlay.nlink, uuid, upper, protattr are private',
    lowers: [
      dir({ f: marked(file('a'), { nlink: 'U+1', uuid: '0123456789abcdef', upper: '', protattr: 'a', foo: 'x' }) }),
      dir({}),
    ],
    see: { '/f': '= a' },
  });
  tableCase({
    row: 'escaped names are shown unescaped',
    lowers: [
      dir({ d: marked(dir(inA), { 'overlay.opaque': 'y', 'overlay.overlay.redirect': '/x' }) }),
      dir({ d: dir(inB) }),
    ],
    see: { '/d': 'dir A B' },
  });
  tableCase({
    row: 'without userxattr user.overlay.* is user data',
    lowers: [dir({ d: dir(inA, { xattrs: { 'user.overlay.opaque': 'y' } }) }), dir({ d: dir(inB) })],
    see: { '/d': 'dir A B' },
  });
  tableCase({
    row: 'with userxattr trusted.overlay.* is user data',
    lowers: [
      dir({ d: opaque(inA), e: dir({}, { xattrs: { 'user.overlay.opaque': 'y' } }) }),
      dir({ d: dir(inB), e: dir(inB) }),
    ],
    options: 'userxattr',
    see: { '/d': 'dir A B', '/e': 'dir A' },
  });
});

describe('1.2 redirect values', () => {
  const below = dir({ name: dir(inB), a: dir({ b: dir(inB) }), d: dir({ 'x-below': file('') }) });
  const value = (redirect: string, row: string, see: string): void =>
    tableCase({ row, lowers: [dir({ d: redirected(redirect, inA) }), below], see: { '/d': see }, names: ['name'] });
  value('name', 'relative: the last element is replaced', 'dir A B');
  value('/a/b', 'absolute: from the root of the layers below', 'dir A B');
  for (const bad of ['', '/', 'a/b', '//x', '/a//b', '/a/'])
    value(bad, `${JSON.stringify(bad)} gives EINVAL`, 'EINVAL');
  for (const bad of ['.', '..', '/..', '/a/../b']) value(bad, `${JSON.stringify(bad)} gives EACCES`, 'EACCES');
  value('/a/b\0junk', 'bytes after a NUL are ignored', 'dir A B');
  value('name\n', 'a trailing newline is part of the name', 'dir A');
  const deep = `/${'e/'.repeat(150)}e`;
  const nest = (levels: number): Node => (levels === 0 ? dir(inB) : dir({ e: nest(levels - 1) }));
  tableCase({
    row: 'a redirect longer than 256 bytes works',
    lowers: [dir({ d: redirected(deep, inA) }), nest(151)],
    see: { '/d': 'dir A B' },
  });
});

describe('1.3 whiteouts', () => {
  const hides = (wh: Node, row: string, see: string): void =>
    tableCase({ row, lowers: [dir({ f: wh }), dir({ f: file('b') })], see: { '/f': see } });
  hides(whiteout(), 'char 0:0', 'ENOENT');
  hides({ kind: 'char', major: 0, minor: 1 }, 'char 0:1 is an ordinary device', 'special');
  hides({ kind: 'block', major: 0, minor: 0 }, 'block 0:0 is an ordinary device', 'special');
  hides(xwhiteout(), 'xattr whiteout, parent without opaque=x', 'ENOENT');
  hides(marked(file('data'), { whiteout: '' }), 'a file with data and the attribute is a file', '= data');
  tableCase({
    row: 'xattr whiteout in the upper',
    upper: dir({ f: xwhiteout() }),
    lowers: [dir({ f: file('a') })],
    see: { '/f': 'ENOENT', '/': 'list f' },
  });
  tableCase({
    row: 'xattr whiteout without opaque=x is listed',
    lowers: [dir({ d: dir({ f: xwhiteout() }) }), dir({ d: dir({ f: file('') }) })],
    see: { '/d/': 'list f', '/d/f': 'ENOENT' },
  });
  tableCase({
    row: 'xattr whiteout under opaque=x is not listed',
    lowers: [
      dir({ d: marked(dir({ f: xwhiteout(), g: file('') }), { opaque: 'x' }) }),
      dir({ d: dir({ f: file('') }) }),
    ],
    see: { '/d/': 'list g', '/d/f': 'ENOENT' },
  });
  tableCase({
    row: 'a whiteout in the last layer hides itself',
    lowers: [dir({}), dir({ f: whiteout() })],
    see: { '/f': 'ENOENT', '/': 'list' },
  });
});

describe('1.4 metacopy values', () => {
  const value = (metacopy: string, row: string, see: string): void =>
    tableCase({
      row,
      lowers: [dir({ f: marked(file(''), { metacopy }) }), dir({ f: file('b') })],
      options: 'metacopy',
      see: { '/f': see },
    });
  value('', 'empty: metacopy without digest', '= b');
  value(`\0\x24\0\x01${'d'.repeat(32)}`, 'SHA-256 digest, verity off', '= b');
  for (const short of ['\0', '\0\0', '\0\0\0']) value(short, `${short.length} bytes: EIO`, 'EIO');
  value('\x01\x04\0\0', 'another version is accepted', '= b');
  value('\0\x09\0\0', 'a wrong length is accepted', '= b');
  value('\0\x04\x01\x09', 'flags and an unknown algorithm are accepted', '= b');
  value('y'.repeat(80), 'longer than 68 bytes is accepted', '= b');
});

describe('2.4 outcomes for directories', () => {
  const abc = (row: string, d: [Node | null, Node | null, Node | null], see: string): void => {
    const layer = (node: Node | null): Node => dir(node ? { d: node } : {});
    tableCase({ row, lowers: d.map(layer), see: { '/d': see } });
  };
  abc('A dir, B dir', [dir(inA), dir(inB), null], 'dir A B');
  abc('A dir, B regular file, C dir', [dir(inA), file('b'), dir(inC)], 'dir A');
  abc('A dir, B whiteout, C dir', [dir(inA), whiteout(), dir(inC)], 'dir A');
  abc('A dir, B opaque dir, C dir', [dir(inA), opaque(inB), dir(inC)], 'dir A B');
  abc('A file, B dir', [file('a'), dir(inB), null], '= a');
  abc('A symlink, B dir', [symlink('e'), dir(inB), null], '-> e');
  const stack = (row: string, lowers: Node[], see: Record<string, string>): void =>
    tableCase({ row, lowers, see, names: ['p', 'q', 'r', 's', 'g'] });
  stack(
    'A redirect=e, B has e, C has e',
    [dir({ d: redirected('e', inA) }), dir({ e: dir(inB) }), dir({ e: dir(inC) })],
    { '/d': 'dir A B C' },
  );
  stack(
    'A redirect=e, B/e redirect=g, C/g',
    [dir({ d: redirected('e', inA) }), dir({ e: redirected('g', inB) }), dir({ g: dir(inC) })],
    { '/d': 'dir A B C' },
  );
  stack(
    'A redirect=/p/q, B/p/q file, C/p/q dir',
    [dir({ d: redirected('/p/q', inA) }), dir({ p: dir({ q: file('b') }) }), dir({ p: dir({ q: dir(inC) }) })],
    { '/d': 'dir A' },
  );
  stack(
    'A redirect=/p/q, B/p/q whiteout, C/p/q dir',
    [dir({ d: redirected('/p/q', inA) }), dir({ p: dir({ q: whiteout() }) }), dir({ p: dir({ q: dir(inC) }) })],
    { '/d': 'dir A' },
  );
  stack(
    'A redirect=/p/q, B/p opaque with q, C/p/q',
    [dir({ d: redirected('/p/q', inA) }), dir({ p: opaque({ q: dir(inB) }) }), dir({ p: dir({ q: dir(inC) }) })],
    { '/d': 'dir A B' },
  );
  stack(
    'A redirect=/p/q, B/p opaque, B/p/q redirect=/s, C/s',
    [dir({ d: redirected('/p/q', inA) }), dir({ p: opaque({ q: redirected('/s', inB) }) }), dir({ s: dir(inC) })],
    { '/d': 'dir A B C' },
  );
  stack(
    'A redirect=/p/q, B/p redirect=r, B/p/q, C/r/q',
    [
      dir({ d: redirected('/p/q', inA) }),
      dir({ p: redirected('r', { q: dir(inB) }) }),
      dir({ r: dir({ q: dir(inC) }) }),
    ],
    { '/d': 'dir A B C' },
  );
  stack(
    'A/x/d redirect=/p/q, x only in A',
    [dir({ x: dir({ d: redirected('/p/q', inA) }) }), dir({ p: dir({ q: dir(inB) }) })],
    { '/x/d': 'dir A B' },
  );
  stack(
    'A/x/d redirect=/p/q, A/x opaque',
    [dir({ x: opaque({ d: redirected('/p/q', inA) }) }), dir({ x: dir({ d: dir({}) }), p: dir({ q: dir(inB) }) })],
    { '/x/d': 'dir A B' },
  );
  tableCase({
    row: 'nofollow, A/d redirect, another layer below: EPERM',
    lowers: [dir({ d: redirected('/e', inA) }), dir({})],
    options: 'nofollow',
    see: { '/d': 'EPERM', '/': 'list d' },
  });
  tableCase({
    row: 'nofollow, redirect in the last layer is ignored',
    lowers: [dir({}), dir({ d: redirected('/e', inB) })],
    options: 'nofollow',
    see: { '/d': 'dir B' },
  });
  tableCase({
    row: 'nofollow, the parent exists only in A',
    lowers: [dir({ x: dir({ d: redirected('/e', inA) }) }), dir({})],
    options: 'nofollow',
    see: { '/x/d': 'dir A' },
  });
});

describe('2.5 metacopy chains', () => {
  const chain = (row: string, lowers: Node[], see: Record<string, string>, upper?: Node): void =>
    tableCase({ row, lowers, options: 'metacopy', see, names: ['g', 'h'], ...(upper ? { upper } : {}) });
  chain('A/f metacopy, B/f data', [dir({ f: meta() }), dir({ f: file('b') })], { '/f': '= b' });
  chain('A metacopy, B metacopy, C data', [dir({ f: meta() }), dir({ f: meta() }), dir({ f: file('c') })], {
    '/f': '= c',
  });
  chain(
    'A metacopy redirect=g, B/g metacopy redirect=/h, C/h',
    [dir({ f: meta('g') }), dir({ g: meta('/h') }), dir({ h: file('c') })],
    { '/f': '= c' },
  );
  chain(
    'A/d redirect=/e, A/d/f metacopy, B/e/f data',
    [dir({ d: redirected('/e', { f: meta() }) }), dir({ e: dir({ f: file('b') }) })],
    { '/d/f': '= b' },
  );
  chain('A/f metacopy, B/f directory', [dir({ f: meta() }), dir({ f: dir({}) })], { '/f': 'EIO' });
  chain('A/f metacopy, B/f whiteout', [dir({ f: meta() }), dir({ f: whiteout() })], { '/f': 'EIO' });
  chain(
    'A/d/f metacopy, B/d opaque without f, C/d/f data',
    [dir({ d: dir({ f: meta() }) }), dir({ d: opaque({}) }), dir({ d: dir({ f: file('c') }) })],
    { '/d/f': 'EIO' },
  );
  chain('metacopy in the last regular layer', [dir({}), dir({ f: meta() })], { '/f': 'EIO', '/': 'list f' });
  tableCase({
    row: 'metacopy in the last regular layer, metacopy=off',
    lowers: [dir({}), dir({ f: meta() })],
    see: { '/f': 'EPERM' },
  });
  chain('upper metacopy, nothing below', [dir({})], { '/f': 'EIO' }, dir({ f: meta() }));
  tableCase({
    row: 'upper metacopy, nothing below, metacopy=off',
    upper: dir({ f: meta() }),
    lowers: [dir({})],
    see: { '/f': 'EPERM' },
  });
  tableCase({
    row: 'upper metacopy, metacopy=off',
    upper: dir({ f: meta() }),
    lowers: [dir({ f: file('a') })],
    see: { '/f': 'EPERM' },
  });
  tableCase({
    row: 'lower metacopy, metacopy=off',
    lowers: [dir({ f: meta() }), dir({ f: file('b') })],
    see: { '/f': 'EPERM' },
  });
  chain('upper metacopy, lower data', [dir({ f: file('a') })], { '/f': '= a' }, dir({ f: meta() }));
});

describe('2.6 data-only layers', () => {
  const withData = (
    row: string,
    lowers: Node[],
    data: Node[],
    see: Record<string, string>,
    options: 'default' | 'metacopy' | 'metacopy=off,nofollow' | 'userxattr' = 'metacopy',
    upper?: Node,
  ): void => tableCase({ row, lowers, data, options, see, names: ['xx'], ...(upper ? { upper } : {}) });
  const A = dir({ f: meta('/xx') });
  const C = dir({ xx: file('data') });
  withData('A::C', [A], [C], { '/f': '= data', '/': 'list f', '/xx': 'ENOENT' });
  withData(
    'metacopy=off,redirect_dir=nofollow serves the last lower',
    [A],
    [C],
    { '/f': '= data' },
    'metacopy=off,nofollow',
  );
  withData(
    'A:B::C without metacopy=on: EPERM for files of A',
    [A, dir({ g: meta('/xx') })],
    [C],
    { '/f': 'EPERM', '/g': '= data' },
    'default',
  );
  const ua = (redirect: string): Node =>
    file('', { xattrs: { 'user.overlay.metacopy': '', 'user.overlay.redirect': redirect } });
  withData(
    'userxattr: only files of the last lower',
    [dir({ f: ua('/xx') }), dir({ g: ua('/xx') })],
    [C],
    { '/f': 'EPERM', '/g': '= data' },
    'userxattr',
  );
  withData('an upper metacopy without a lower object: EIO', [dir({})], [C], { '/f': 'EIO' }, 'metacopy', A);
  withData('the same without metacopy=on: EPERM', [dir({})], [C], { '/f': 'EPERM' }, 'default', A);
  withData('copied up from a data-backed lower', [A], [C], { '/f': '= data' }, 'metacopy', dir({ f: meta() }));
  withData('a relative redirect does not lead there', [dir({ f: meta('xx') })], [C], { '/f': 'EIO' });
  withData('no redirect does not lead there', [dir({ f: meta() })], [dir({ f: file('data') })], { '/f': 'EIO' });
  withData('C is searched before D', [A], [C, dir({ xx: file('other') })], { '/f': '= data' });
  const next = (row: string, node: Node): void =>
    withData(`${row} there: the next layer`, [A], [dir({ xx: node }), C], { '/f': '= data' });
  next('a directory', dir({}));
  next('a symlink', symlink('yy'));
  next('a device', { kind: 'char', major: 1, minor: 3 });
  next('a whiteout', whiteout());
  withData(
    'attributes in data layers are ignored',
    [A],
    [dir({ xx: marked(file('data'), { metacopy: '', redirect: '/zz' }) })],
    { '/f': '= data' },
  );
  // In the redirect of a lower `..` is refused as an element; only the data-only layers are walked as a path.
  withData('/./xx', [dir({ f: meta('/./xx') })], [C], { '/f': '= data' });
  withData('/a/../xx', [dir({ f: meta('/a/../xx') })], [dir({ a: dir({}), xx: file('data') })], { '/f': '= data' });
  withData('/../xx: EXDEV', [dir({ f: meta('/../xx') })], [C], { '/f': 'open EXDEV' });
  withData('nothing found: open fails with ENOENT, stat works', [dir({ f: meta('/none') })], [C], {
    '/f': 'open ENOENT',
  });
  withData(
    'with data layers a redirect in the last lower is read (nofollow: EPERM)',
    [dir({}), dir({ d: redirected('/e', inB) })],
    [C],
    { '/d': 'EPERM' },
    'metacopy=off,nofollow',
  );
  withData('data shorter than the metadata size is served as it is', [dir({ f: meta('/xx', 100) })], [C], {
    '/f': '= data',
  });
  withData('data longer than the metadata size is served as it is', [dir({ f: meta('/xx', 1) })], [C], {
    '/f': '= data',
  });
  withData('a mode-000 data file is readable', [A], [dir({ xx: file('data', { mode: 0 }) })], { '/f': '= data' });
});

describe('2.7 a middle layer that captures the redirect', () => {
  const captured = (
    row: string,
    B: Record<string, Node>,
    see: string,
    options: 'metacopy' | 'default' = 'metacopy',
  ): void =>
    tableCase({
      row,
      lowers: [dir({ f: meta('/xx') }), dir(B)],
      data: [dir({ xx: file('data'), yy: file('other') })],
      options,
      see: { '/f': see },
      names: ['xx', 'yy'],
    });
  captured('nothing at /xx', {}, '= data');
  captured('regular file /xx', { xx: file('B') }, '= B');
  captured('empty regular file /xx', { xx: file('') }, '= ');
  captured('directory /xx', { xx: dir({}) }, '= data');
  captured('symlink /xx', { xx: symlink('yy') }, '= data');
  captured('fifo /xx', { xx: { kind: 'fifo' } }, '= data');
  captured('char 0:0 /xx', { xx: whiteout() }, '= data');
  captured('xattr whiteout /xx', { xx: xwhiteout() }, '= data');
  captured('metacopy /xx with redirect /yy', { xx: meta('/yy') }, '= other');
  captured('metacopy /xx without redirect', { xx: meta() }, 'EIO');
  captured('metacopy /xx with a relative redirect', { xx: meta('yy') }, 'EIO');
  captured('any of these without metacopy=on', { xx: file('B') }, 'EPERM', 'default');
  const deep = (row: string, B: Record<string, Node>, see: string): void =>
    tableCase({
      row: `redirect /aa/bb: ${row}`,
      lowers: [dir({ f: meta('/aa/bb') }), dir(B)],
      data: [dir({ aa: dir({ bb: file('data') }), zz: dir({ bb: file('zz') }) })],
      options: 'metacopy',
      see: { '/f': see },
      names: ['aa', 'bb', 'zz'],
    });
  deep('no /aa', {}, '= data');
  deep('/aa plain directory without bb', { aa: dir({}) }, 'EIO');
  deep('/aa opaque directory without bb', { aa: opaque({}) }, '= data');
  deep('/aa/bb regular file', { aa: dir({ bb: file('B') }) }, '= B');
  deep('/aa file', { aa: file('x') }, '= data');
  deep('/aa symlink to a directory that holds bb', { aa: symlink('real'), real: dir({ bb: file('B') }) }, '= data');
  deep('/aa whiteout', { aa: whiteout() }, '= data');
  deep('/aa directory with redirect /zz, no bb', { aa: redirected('/zz') }, '= zz');
  deep('/aa directory with redirect zz', { aa: redirected('zz') }, 'EIO');
  tableCase({
    row: 'the file may be deep in A, d only in A and opaque',
    lowers: [dir({ d: opaque({ f: meta('/xx') }) }), dir({ xx: file('B') })],
    data: [dir({ xx: file('data') })],
    options: 'metacopy',
    see: { '/d/f': '= B' },
  });
});
