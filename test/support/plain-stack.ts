// SPDX-License-Identifier: MIT
import fc from 'fast-check';
import type { ByteString } from '@shared/bytes';
import type { StackSpec } from './kernel';
import type { Node } from './tree';

/*
 * Stacks as programs leave them: files with data, attributes and hard links, directories that merge, whiteouts and
 * opaque marks where they mean something. Marks that are damaged or lead astray are `stackSpec`'s.
 */
const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('a', 'b', 'c', 'd') },
  fc.constantFrom<ByteString>('\xff\xfe', 'L'.repeat(255)),
);
const common = {
  mode: fc.constantFrom(0o644, 0o755, 0o4755, 0o2755, 0o1777, 0o777),
  uid: fc.constantFrom(0, 0, 1000),
  gid: fc.constantFrom(0, 0, 5),
  mtime: fc.constantFrom<[number, number]>([1_600_000_000, 123_456_789], [0, 1], [1, 0]),
};
const xattrs = fc.constantFrom<Record<string, string>>(
  {},
  {},
  {},
  { 'user.k': 'v' },
  { 'trusted.t': '\0\xff' },
  { 'user.k': '', 'security.x': 's' },
);

const fileNode: fc.Arbitrary<Node> = fc
  .record({
    content: fc.constantFrom('', 'x', 'hello\n', '\0\xff', 'z'.repeat(5000)),
    hole: fc.constantFrom(0, 0, 0, 65536),
    xattrs,
    ...common,
  })
  .map((fields): Node => ({ kind: 'file', ...fields }));
const otherNode: fc.Arbitrary<Node> = fc.oneof(
  fc.constantFrom('a', 'nowhere', 'c', '\xff').map((target): Node => ({ kind: 'symlink', target })),
  fc.constantFrom<Node>(
    { kind: 'fifo', mode: 0o644 },
    { kind: 'socket', mode: 0o755 },
    { kind: 'char', major: 1, minor: 3, mode: 0o666 },
    { kind: 'block', major: 7, minor: 300, mode: 0o600 },
  ),
);
const whiteout: Node = { kind: 'char', major: 0, minor: 0, mode: 0 };

function dirNode(depth: number, hides: boolean): fc.Arbitrary<Node> {
  const leaf = [
    { weight: 6, arbitrary: fileNode },
    { weight: 2, arbitrary: otherNode },
    ...(hides ? [{ weight: 2, arbitrary: fc.constant(whiteout) }] : []),
  ];
  const child = fc.oneof(...(depth > 0 ? [{ weight: 6, arbitrary: dirNode(depth - 1, hides) }] : []), ...leaf);
  return fc
    .record({
      children: fc.dictionary(name, child, { maxKeys: 4, noNullPrototype: true }),
      opaque: fc.nat(5),
      xattrs,
      ...common,
    })
    .map(({ opaque, ...fields }): Node => {
      const marks = hides && opaque === 0 ? { 'trusted.overlay.opaque': 'y', 'user.overlay.opaque': 'y' } : {};
      return { kind: 'dir', ...fields, xattrs: { ...fields.xattrs, ...marks } };
    });
}

/** A second name for some file of a layer. */
function withLink(node: Node, wanted: boolean): Node {
  if (!wanted || node.kind !== 'dir') return node;
  const first = Object.entries(node.children).find(([, child]) => child.kind === 'file');
  const free = ['d', 'c', 'b'].find((each) => !node.children[each]);
  if (!first || !free) return node;
  return { ...node, children: { ...node.children, [free]: { kind: 'link', to: first[0] } } };
}

/** Up to three lowers; an upper that is empty in half of all cases. */
export const plainStackSpec: fc.Arbitrary<StackSpec> = fc
  .record({
    upper: fc.oneof(fc.constant<Node>({ kind: 'dir', children: {} }), dirNode(2, true)),
    top: fc.array(dirNode(2, true), { maxLength: 2 }),
    last: dirNode(2, false),
    links: fc.boolean(),
  })
  .map(({ upper, top, last, links }) => ({
    upper,
    lowers: [...top, last].map((node) => withLink(node, links)),
    data: [],
  }));
