// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteString } from '@shared/bytes';
import { makeTree, dir, file, symlink, type Node } from './tree';

/** Runs a program and gives what it said; fails with what it said on stderr. */
export function tool(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** A container store of a test's own, with the tools of podman working in it. */
export class ContainerStore {
  readonly root: string;
  readonly run: string;
  readonly #options: string[];

  constructor(readonly folder: string) {
    this.root = join(folder, 'root');
    this.run = join(folder, 'run');
    mkdirSync(folder, { recursive: true });
    this.#options = ['--root', this.root, '--runroot', this.run, '--storage-driver', 'overlay'];
  }

  /** What skopeo calls an image of this store. */
  name(image: string): string {
    return `containers-storage:[overlay@${this.root}+${this.run}]${image}`;
  }

  buildah(...args: string[]): string {
    return tool('buildah', ...this.#options, ...args);
  }

  podman(...args: string[]): string {
    return tool('podman', ...this.#options, ...args);
  }

  /** Makes an image on top of another: `change` works in its mounted root. */
  build(image: string, base: string, change: (root: ByteString) => void, ...commit: string[]): void {
    const container = this.buildah('from', '--pull-never', base);
    change(this.buildah('mount', container));
    this.buildah('config', '--env', `IMAGE=${image}`, '--cmd', '/bin/tool', '--label', 'test=yes', container);
    this.buildah('umount', container);
    this.buildah('commit', '-q', '--rm', ...commit, container, image);
  }

  /** Runs `use` on an image's root as buildah mounts it. */
  mounted<T>(image: string, use: (root: ByteString) => T): T {
    const container = this.buildah('from', '--pull-never', image);
    try {
      return use(this.buildah('mount', container));
    } finally {
      this.buildah('umount', container);
      this.buildah('rm', container);
    }
  }

  remove(): void {
    spawnSync('podman', [...this.#options, 'system', 'reset', '-f'], { timeout: 60_000 });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

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
