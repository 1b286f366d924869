// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import type { ContainerStore } from './container-store';
import { makeTree, dir, file, symlink, type Node } from './tree';

/** Bytes that no compressor makes smaller, the same each time. */
function noise(seed: string): ByteString {
  let bytes = '';
  for (let i = 0; bytes.length < 300_000; i++)
    bytes += createHash('sha256').update(`${seed} ${i}`).digest().toString('latin1');
  return bytes;
}

/** A tree with something of each kind that images hold. */
export const baseTree = (): Node =>
  dir({
    bin: dir({ tool: file('#!tool\n', { mode: 0o4755 }), again: { kind: 'link', to: 'bin/tool' } }),
    etc: dir(
      {
        passwd: file('root:x:0:0\n', { mtime: [1_600_000_000, 0] }),
        group: file('root:x:0\n', { uid: 3, gid: 4, mode: 0o640 }),
        conf: dir({ a: file('a'), b: file('b') }),
      },
      { mode: 0o750 },
    ),
    lib: symlink('usr/lib'),
    usr: dir({ lib: dir({ so: file('\0'.repeat(70_000) + 'end'), noise: file(noise('base')) }) }),
    var: dir({ pipe: { kind: 'fifo' }, 'caf\xc3\xa9': file('name'), spool: dir({ x: file('1'), y: file('2') }) }),
    xattr: file('with', { xattrs: { 'user.mark': 'yes' } }),
  });

/**
 * Two images in a store: `localhost/base:1` of one layer, `localhost/app:1` of a second one on top, which deletes,
 * replaces and adds.
 */
export function buildImages(store: ContainerStore, ...commit: string[]): void {
  store.build(
    'localhost/base:1',
    'scratch',
    (root) => {
      const { children } = baseTree() as Extract<Node, { kind: 'dir' }>;
      for (const [name, node] of Object.entries(children)) makeTree(`${root}/${name}`, node, root);
    },
    ...commit,
  );
  store.build(
    'localhost/app:1',
    'localhost/base:1',
    (root) => {
      rmSync(`${root}/etc/passwd`);
      rmSync(`${root}/var/spool`, { recursive: true });
      makeTree(`${root}/var/spool`, dir({ new: file('new') }));
      rmSync(`${root}/usr/lib/so`);
      makeTree(`${root}/usr/lib/so`, dir({ now: file('a directory') }));
      makeTree(`${root}/opt`, dir({ big: file('x'.repeat(300_000)), noise: file(noise('app')) }));
    },
    ...commit,
  );
}
