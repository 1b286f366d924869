// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface StoredLayer {
  readonly id: string;
  readonly parent?: string;
}

/** A containers/storage of a test's own, and the tools that write it. */
export class ContainersStorage {
  constructor(private readonly folder: string) {}

  get options(): string[] {
    return ['--root', join(this.folder, 'root'), '--runroot', join(this.folder, 'run'), '--storage-driver', 'overlay'];
  }

  buildah(...args: string[]): string {
    return execFileSync('buildah', [...this.options, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }

  /** The folders of the layers below a working container, the lowest first. */
  layersOf(container: string): string[] {
    const root = join(this.folder, 'root');
    const image = this.buildah('inspect', '--format', '{{.FromImageID}}', container);
    const images = JSON.parse(readFileSync(join(root, 'overlay-images/images.json'), 'utf8')) as {
      id: string;
      layer: string;
    }[];
    const layers = JSON.parse(readFileSync(join(root, 'overlay-layers/layers.json'), 'utf8')) as StoredLayer[];
    const chain: string[] = [];
    for (let id = images.find((one) => one.id === image)?.layer; id; id = layers.find((one) => one.id === id)?.parent) {
      chain.unshift(join(root, 'overlay', id, 'diff'));
    }
    return chain;
  }
}
