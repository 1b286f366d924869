// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteString } from '@shared/bytes';

/** Runs a program and gives what it said; fails with what it said on stderr. */
export function tool(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** One layer that containers/storage keeps. */
export interface StoredLayer {
  readonly id: string;
  readonly diffId: string;
  /** The unpacked layer, and its tar-split record. */
  readonly folder: string;
  readonly tarSplit: string;
}

interface ListedLayer {
  readonly id: string;
  readonly parent?: string;
  readonly 'diff-digest'?: string;
}

/** A container store of a test's own, with the tools of podman working in it. */
export class ContainerStore {
  readonly root: string;
  readonly run: string;
  readonly #options: string[];

  constructor(
    readonly folder: string,
    private readonly driver: 'overlay' | 'vfs' = 'overlay',
  ) {
    this.root = join(folder, 'root');
    this.run = join(folder, 'run');
    mkdirSync(folder, { recursive: true });
    this.#options = ['--root', this.root, '--runroot', this.run, '--storage-driver', driver];
  }

  /** What skopeo calls an image of this store. */
  name(image: string): string {
    return `containers-storage:[${this.driver}@${this.root}+${this.run}]${image}`;
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

  /** All layers, a parent before its children. */
  layers(): StoredLayer[] {
    return this.#layers().flatMap(({ id, 'diff-digest': diffId }) =>
      diffId === undefined
        ? []
        : [{ id, diffId, folder: this.#folderOf(id), tarSplit: this.#file(`layers/${id}.tar-split.gz`) }],
    );
  }

  /** The folders of the layers below a working container, the lowest first. */
  layersOf(container: string): string[] {
    const image = this.buildah('inspect', '--format', '{{.FromImageID}}', container);
    const images = JSON.parse(readFileSync(this.#file('images/images.json'), 'utf8')) as {
      id: string;
      layer: string;
    }[];
    const layers = this.#layers();
    const chain: string[] = [];
    for (let id = images.find((one) => one.id === image)?.layer; id; id = layers.find((one) => one.id === id)?.parent) {
      chain.unshift(this.#folderOf(id));
    }
    return chain;
  }

  #layers(): ListedLayer[] {
    return JSON.parse(readFileSync(this.#file('layers/layers.json'), 'utf8')) as ListedLayer[];
  }

  #folderOf(id: string): string {
    return join(this.root, this.driver === 'overlay' ? `overlay/${id}/diff` : `vfs/dir/${id}`);
  }

  /** A file of the store's own: `layers/layers.json`. */
  #file(path: string): string {
    return join(this.root, `${this.driver}-${path}`);
  }

  remove(): void {
    spawnSync('podman', [...this.#options, 'system', 'reset', '-f'], { timeout: 60_000 });
    rmSync(this.folder, { recursive: true, force: true });
  }
}
