// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync, symlinkSync, linkSync, chmodSync, lchownSync, truncateSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import { cString, fail, libc } from '../../src/main/system/libc';
import { setXattr } from '../../src/main/system/xattr';

/** A tree to make on disk: what the tests say of a layer. Names and texts are byte strings. */
export type Node = Common &
  (
    | { kind: 'dir'; children: Record<ByteString, Node> }
    /** `hole` bytes of nothing stand before the content. */
    | { kind: 'file'; content: ByteString; hole?: number }
    | { kind: 'symlink'; target: ByteString }
    | { kind: 'char' | 'block'; major: number; minor: number }
    | { kind: 'fifo' | 'socket' }
    /** Another name of an earlier file of the same layer. */
    | { kind: 'link'; to: ByteString }
  );

interface Common {
  xattrs?: Record<ByteString, ByteString>;
  mode?: number;
  uid?: number;
  gid?: number;
  /** Seconds and nanoseconds. */
  mtime?: [number, number];
}

const mknod = libc.func('int mknod(const void *, uint32_t, uint64_t)');
const utimensat = libc.func('int utimensat(int, const void *, const void *, int)');
const bytes = (path: ByteString): Buffer => Buffer.from(path, 'latin1');
const TYPES = { char: 0o020000, block: 0o060000, fifo: 0o010000, socket: 0o140000 } as const;

export const dir = (children: Record<ByteString, Node> = {}, common: Common = {}): Node => ({
  kind: 'dir',
  children,
  ...common,
});
export const file = (content: ByteString = '', common: Common = {}): Node => ({ kind: 'file', content, ...common });
export const symlink = (target: ByteString): Node => ({ kind: 'symlink', target });
export const whiteout = (): Node => ({ kind: 'char', major: 0, minor: 0, mode: 0 });

/** Makes the tree at `path`, which does not exist yet. `top` is the layer's root, for hard links. */
export function makeTree(path: ByteString, node: Node, top: ByteString = path): void {
  makeNode(path, node, top);
  if (node.kind === 'link') return;
  for (const [name, value] of Object.entries(node.xattrs ?? {})) setXattr(path, name, value);
  if (node.uid !== undefined || node.gid !== undefined) lchownSync(bytes(path), node.uid ?? 0, node.gid ?? 0);
  if (node.mode !== undefined && node.kind !== 'symlink') chmodSync(bytes(path), node.mode);
  if (node.mtime) setTimes(path, node.mtime);
}

function makeNode(path: ByteString, node: Node, top: ByteString): void {
  switch (node.kind) {
    case 'dir':
      mkdirSync(bytes(path));
      for (const [name, child] of Object.entries(node.children)) makeTree(`${path}/${name}`, child, top);
      return;
    case 'file':
      writeFileSync(bytes(path), bytes(node.content));
      if (node.hole) {
        truncateSync(bytes(path), node.hole);
        writeFileSync(bytes(path), bytes(node.content), { flag: 'a' });
      }
      return;
    case 'symlink':
      symlinkSync(bytes(node.target), bytes(path));
      return;
    case 'link':
      linkSync(bytes(`${top}/${node.to}`), bytes(path));
      return;
    default: {
      const device = node.kind === 'char' || node.kind === 'block' ? node.major * 256 + node.minor : 0;
      if (mknod(cString(path), TYPES[node.kind] | (node.mode ?? 0o644), device) !== 0) fail('mknod', path);
    }
  }
}

function setTimes(path: ByteString, [seconds, nanoseconds]: [number, number]): void {
  const times = new BigInt64Array([0n, 0n, BigInt(seconds), BigInt(nanoseconds)]);
  const AT_FDCWD = -100;
  const AT_SYMLINK_NOFOLLOW = 0x100;
  if (utimensat(AT_FDCWD, cString(path), Buffer.from(times.buffer), AT_SYMLINK_NOFOLLOW) !== 0) fail('utimensat', path);
}
