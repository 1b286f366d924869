// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import type { Node } from '../../../src/main/fuse/node-table';
import { WalkAhead } from '../../../src/main/fuse/walk-ahead';

/** A directory with nothing but what the walk looks at. */
const node = (name: string, parent: Node | null = null): Node =>
  ({ name, parent, listing: null, listed: false }) as unknown as Node;

/** Each directory has this many subdirectories, down to the depth. */
function walk(width: number): { ahead: WalkAhead; read: string[]; children: (directory: Node) => Node[] } {
  const read: string[] = [];
  const known = new Map<Node, Node[]>();
  const children = (directory: Node): Node[] => {
    const { name } = directory as unknown as { name: string };
    const made = known.get(directory) ?? Array.from({ length: width }, (_, i) => node(`${name}${i}`, directory));
    known.set(directory, made);
    return made;
  };
  const ahead = new WalkAhead((directory) => {
    read.push((directory as unknown as { name: string }).name);
    directory.listing = [];
    return children(directory);
  });
  return { ahead, read, children };
}

test('one look at a directory starts nothing', () => {
  const { ahead, children } = walk(2);
  const root = node('r');
  ahead.listed(root, () => children(root));
  expect(ahead.step()).toBe(false);
});

test('a second level starts a walk, depth first', () => {
  const { ahead, read, children } = walk(2);
  const root = node('r');
  ahead.listed(root, () => children(root));
  const first = children(root)[0]!;
  ahead.listed(first, () => children(first));
  for (let i = 0; i < 4; i++) ahead.step();
  expect(read).toEqual(['r00', 'r000', 'r0000', 'r00000']);
});

test('it stays a bounded number of directories ahead, and starts again for a walk elsewhere', () => {
  const { ahead, read, children } = walk(3);
  const root = node('r');
  ahead.listed(root, () => children(root));
  const [first, second] = children(root) as [Node, Node];
  ahead.listed(first, () => children(first));
  let steps = 0;
  while (ahead.step()) steps++;
  expect(steps).toBe(64);
  ahead.listed(second, () => children(second));
  expect(ahead.step()).toBe(true);
  expect(read.at(-1)).toBe('r10');
});

test('what was asked for makes room for more', () => {
  const { ahead, children } = walk(3);
  const root = node('r');
  ahead.listed(root, () => children(root));
  const first = children(root)[0]!;
  ahead.listed(first, () => children(first));
  while (ahead.step());
  const next = children(first)[0]!;
  ahead.listed(next, () => children(next));
  expect(ahead.step()).toBe(true);
  expect(ahead.step()).toBe(false);
});
