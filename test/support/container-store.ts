// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

import { unmount } from '../../src/main/system/mount';

/** One layer that containers/storage keeps. */
export interface StoredLayer {
  readonly id: string;
  readonly diffId: string;
  /** The unpacked layer, and its tar-split record. */
  readonly folder: string;
  readonly tarSplit: string;
}

/** A store of buildah's and skopeo's own, below a folder of the test's. */
export class ContainerStore {
  private readonly root: string;
  private readonly environment: NodeJS.ProcessEnv;

  constructor(
    readonly folder: string,
    private readonly driver: 'overlay' | 'vfs',
  ) {
    mkdirSync(folder);
    this.root = `${folder}/root`;
    writeFileSync(
      `${folder}/storage.conf`,
      `[storage]\ndriver = "${driver}"\ngraphroot = "${this.root}"\nrunroot = "${folder}/run"\n`,
    );
    writeFileSync(`${folder}/policy.json`, '{ "default": [ { "type": "insecureAcceptAnything" } ] }');
    this.environment = {
      ...process.env,
      CONTAINERS_STORAGE_CONF: `${folder}/storage.conf`,
      BUILDAH_ISOLATION: 'chroot',
      TMPDIR: folder,
    };
  }

  buildah(...args: string[]): string {
    return this.run('buildah', args);
  }

  skopeo(...args: string[]): string {
    return this.run('skopeo', ['--policy', `${this.folder}/policy.json`, ...args]);
  }

  /** All layers, a parent before its children. */
  layers(): StoredLayer[] {
    const text = readFileSync(`${this.root}/${this.driver}-layers/layers.json`, 'utf8');
    const layers = JSON.parse(text) as { id: string; 'diff-digest'?: string }[];
    return layers
      .filter((layer) => layer['diff-digest'] !== undefined)
      .map((layer) => ({
        id: layer.id,
        diffId: layer['diff-digest']!,
        folder:
          this.driver === 'overlay' ? `${this.root}/overlay/${layer.id}/diff` : `${this.root}/vfs/dir/${layer.id}`,
        tarSplit: `${this.root}/${this.driver}-layers/${layer.id}.tar-split.gz`,
      }));
  }

  /** Takes away the mount that the overlay driver leaves on its own folder. */
  close(): void {
    unmount(`${this.root}/overlay`, true);
  }

  private run(program: string, args: readonly string[]): string {
    return execFileSync(program, args, {
      env: this.environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }
}
