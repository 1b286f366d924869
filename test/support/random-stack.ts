// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import type { ByteString } from '@shared/bytes';
import type { StackSpec } from './kernel';
import type { Node } from './tree';

/** Names that collide often, one that is not UTF-8 and one as long as a name can be. */
export const NAMES: readonly ByteString[] = ['a', 'b', 'c', 'd', '\xff\xfe', 'L'.repeat(255)];
const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('a', 'b', 'c', 'd') },
  fc.constantFrom(...NAMES.slice(4)),
);

const DIGEST = `\x00\x24\x00\x01${'\xab'.repeat(32)}`;

const validRedirect = fc.oneof(
  fc.constantFrom('a', 'b', 'c', 'd', '/a', '/b', '/c', '/d', '/a/b', '/b/a', '/c/d', '/a/a', '/d/c/b', '/a/b/c'),
  fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`),
);
const hostileRedirect = fc.constantFrom(
  '',
  '/',
  'a/b',
  '//a',
  '/a//b',
  '/a/',
  '.',
  '..',
  '/..',
  '/a/../b',
  '/./a',
  '/../a',
  '/a\0b',
  'a\0b',
  '\0',
  'a\n',
  `/${'x'.repeat(300)}`,
  `/${'L'.repeat(255)}`,
  '\xff\xfe',
  `/${'a/'.repeat(120)}a`,
);
const redirect = fc.oneof({ weight: 9, arbitrary: validRedirect }, { weight: 1, arbitrary: hostileRedirect });
const metacopy = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: fc.constant(DIGEST) },
  { weight: 1, arbitrary: fc.constantFrom('\0', '\0\0\0', '\x01\x04\0\0', '\0\x09\0\0', 'y'.repeat(80)) },
);
const opaque = fc.oneof(
  { weight: 5, arbitrary: fc.constant('y') },
  { weight: 4, arbitrary: fc.constant('x') },
  { weight: 1, arbitrary: fc.constantFrom('n', 'Y', 'yes', '') },
);
/** Names after the prefix; `overlay.` escapes, anything unknown is private. */
const other = fc.record(
  {
    origin: fc.constantFrom('', 'junk', '\0\xfb\x1d'),
    impure: fc.constant('y'),
    foo: fc.constant('private'),
    'overlay.opaque': fc.constantFrom('y', 'x'),
    'overlay.overlay.redirect': fc.constant('/nested'),
    uuid: fc.constant('0123456789abcdef'),
  },
  { requiredKeys: [] },
);

type Marks = Record<string, string>;
const maybe = <T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(arbitrary, { freq: weight });
/** One in `every` objects has these. */
const seldom = <T>(every: number, value: fc.Arbitrary<T>, none: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: every - 1, arbitrary: fc.constant(none) }, { weight: 1, arbitrary: value });

const namespace = fc.oneof({ weight: 5, arbitrary: fc.constant('both') }, fc.constantFrom('trusted', 'user', 'mixed'));

/** Puts marks under one prefix or both, so that either namespace of options finds something. */
function prefixed(marks: Marks, space: string): Marks {
  const out: Marks = {};
  const put = (prefix: string, [key, value]: [string, string]): void => void (out[`${prefix}.overlay.${key}`] = value);
  for (const [i, mark] of Object.entries(marks).entries()) {
    if (space !== 'user' && (space !== 'mixed' || i % 2 === 0)) put('trusted', mark);
    if (space !== 'trusted' && (space !== 'mixed' || i % 2 === 1)) put('user', mark);
  }
  return out;
}

const present = (marks: Record<string, string | null | undefined>): Marks =>
  Object.fromEntries(Object.entries(marks).filter((mark): mark is [string, string] => typeof mark[1] === 'string'));

const plainXattrs = seldom(
  6,
  fc.constantFrom<Marks>({ 'user.k': 'v' }, { 'user.empty': '' }, { 'trusted.t': '\0\xff' }),
  {},
);
const common = {
  mode: fc.constantFrom(0o644, 0o755, 0o4755, 0o1777, 0o000, 0o2770),
  uid: fc.constantFrom(0, 1000, 65534, 4_000_000_000),
  gid: fc.constantFrom(0, 5, 100000),
  mtime: fc.constantFrom<[number, number]>([1_700_000_000, 123_456_789], [0, 1], [4_102_444_800, 999_999_999], [1, 0]),
};

const marksOf = (own: fc.Arbitrary<Marks>): fc.Arbitrary<Marks> =>
  fc
    .tuple(own, seldom(6, other as fc.Arbitrary<Marks>, {}), plainXattrs, namespace)
    .map(([marks, rest, plain, space]) => ({
      ...prefixed({ ...marks, ...rest }, space),
      ...plain,
    }));

const fileMarks = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Marks>({}) },
  { weight: 6, arbitrary: fc.record({ metacopy, redirect: maybe(1, redirect) }).map(present) },
  { weight: 1, arbitrary: fc.record({ redirect }).map(present) },
  { weight: 1, arbitrary: fc.record({ opaque }).map(present) },
  { weight: 2, arbitrary: fc.constant<Marks>({ whiteout: '' }) },
);
const dirMarks = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Marks>({}) },
  { weight: 3, arbitrary: fc.record({ redirect }).map(present) },
  { weight: 3, arbitrary: fc.record({ opaque }).map(present) },
  { weight: 1, arbitrary: fc.record({ opaque, redirect }).map(present) },
  { weight: 1, arbitrary: fc.constant<Marks>({ metacopy: '' }) },
);

const fileNode: fc.Arbitrary<Node> = fc
  .record({
    content: fc.constantFrom('', 'x', 'hello\n', '\0\xff', 'z'.repeat(5000)),
    xattrs: marksOf(fileMarks),
    ...common,
  })
  .map((fields): Node => {
    const marked = Object.keys(fields.xattrs).some((key) => key.endsWith('.overlay.whiteout'));
    // Most whiteout marks are on empty files, where they mean something.
    return { kind: 'file', ...fields, content: marked && fields.mode !== 0o4755 ? '' : fields.content };
  });

const trustedOnly = (marks: Marks): Marks =>
  Object.fromEntries(Object.entries(marks).filter(([key]) => key.startsWith('trusted.')));

const specialNode: fc.Arbitrary<Node> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Node>({ kind: 'char', major: 0, minor: 0, mode: 0 }) },
  {
    weight: 3,
    arbitrary: fc
      .record({
        target: fc.constantFrom('a', '/a', '../b', '\xff', 'x'.repeat(200)),
        xattrs: marksOf(fc.oneof(fileMarks, dirMarks)),
        uid: common.uid,
      })
      .map(({ xattrs, ...rest }): Node => ({ kind: 'symlink', ...rest, xattrs: trustedOnly(xattrs) })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ kind: fc.constantFrom('fifo', 'socket'), xattrs: marksOf(fileMarks), mode: common.mode })
      .map(({ xattrs, kind, mode }): Node => ({ kind: kind as 'fifo', mode, xattrs: trustedOnly(xattrs) })),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Node>(
      { kind: 'char', major: 0, minor: 1 },
      { kind: 'char', major: 1, minor: 3 },
      { kind: 'block', major: 0, minor: 0 },
      { kind: 'block', major: 7, minor: 300 },
    ),
  },
);

/** A directory with up to `width` names; below depth 0 only files. */
function dirNode(depth: number, width: number, marks: fc.Arbitrary<Marks> = dirMarks): fc.Arbitrary<Node> {
  const child: fc.Arbitrary<Node> =
    depth === 0
      ? fc.oneof({ weight: 3, arbitrary: fileNode }, { weight: 1, arbitrary: specialNode })
      : fc.oneof(
          { weight: 5, arbitrary: dirNode(depth - 1, 4) },
          { weight: 4, arbitrary: fileNode },
          { weight: 2, arbitrary: specialNode },
        );
  return fc
    .record({
      children: fc.dictionary(name, child, { maxKeys: width, noNullPrototype: true }),
      xattrs: marksOf(marks),
      ...common,
    })
    .map((fields): Node => ({ kind: 'dir', ...fields }));
}

const rootMarks = seldom(5, dirMarks, {});
const layer = dirNode(2, 5, rootMarks);

/**
 * Hard links of a metacopy share one inode in the kernel, so that their data come from where the name that was looked
 * up first leads (docs/differences.md): only links whose names all lead to the same place can be compared.
 */
const leadsElsewhere = (node: Node): boolean =>
  Object.keys(node.xattrs ?? {}).some((key) => /\.overlay\.(metacopy|redirect)$/.test(key));

/** Gives some files of a layer a second name. */
function withLinks(node: Node, wanted: boolean): Node {
  if (!wanted || node.kind !== 'dir') return node;
  const first = Object.entries(node.children).find(([, child]) => child.kind === 'file' && !leadsElsewhere(child));
  if (!first) return node;
  const children: Record<string, Node> = { ...node.children };
  for (const free of ['c', 'd', 'b']) {
    if (children[free]) continue;
    children[free] = { kind: 'link', to: first[0] };
    break;
  }
  return { ...node, children };
}

/** Random stacks: up to four lowers, two data-only layers, an upper in every third. */
export const stackSpec: fc.Arbitrary<StackSpec> = fc
  .record({
    upper: fc.option(layer, { freq: 1, nil: null }),
    lowers: fc.array(layer, { minLength: 1, maxLength: 4 }),
    data: fc.oneof({ weight: 2, arbitrary: fc.constant<Node[]>([]) }, fc.array(layer, { minLength: 1, maxLength: 2 })),
    links: fc.boolean(),
  })
  .map(({ links, lowers, ...rest }) => ({ ...rest, lowers: lowers.map((node) => withLinks(node, links)) }));
