// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unmount } from '../../src/main/system/mount';

/** Other programs for images, with stores of their own below a folder; nothing of the machine's is touched. */
export class Peers {
  private readonly policy: string;

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.policy = join(folder, 'policy.json');
    writeFileSync(this.policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  }

  /** Runs a program and returns what it says; fails with what it complains of. */
  run(program: string, ...args: string[]): string {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      env: { PATH: process.env['PATH'], HOME: this.folder, XDG_RUNTIME_DIR: this.folder, TMPDIR: this.folder },
    });
    if (error) throw error;
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr || stdout}`);
    return stdout;
  }

  skopeo(...args: string[]): string {
    return this.run('skopeo', '--policy', this.policy, '--tmpdir', this.folder, ...args);
  }

  /** @param driver of the store: the kernel's overlay, or plain copies */
  buildah(driver: 'overlay' | 'vfs', ...args: string[]): string {
    return this.run('buildah', ...this.store(driver), ...args).trim();
  }

  podman(driver: 'overlay' | 'vfs', ...args: string[]): string {
    return this.run('podman', ...this.store(driver), ...args).trim();
  }

  /** Lets `use` look at an image as buildah mounts it. */
  withBuildah<T>(driver: 'overlay' | 'vfs', image: string, use: (at: string) => T): T {
    const container = this.buildah(driver, 'from', '--pull=never', '--signature-policy', this.policy, image);
    try {
      return use(this.buildah(driver, 'mount', container));
    } finally {
      this.buildah(driver, 'umount', container);
      this.buildah(driver, 'rm', container);
    }
  }

  /** Lets `use` look at an image as umoci unpacks it. */
  withUmoci<T>(layout: string, tag: string, use: (at: string) => T): T {
    const bundle = join(this.folder, `bundle-${tag}`);
    this.run('umoci', 'unpack', '--image', `${layout}:${tag}`, bundle);
    return use(join(bundle, 'rootfs'));
  }

  /** Brings an image into the store of podman and buildah. */
  pull(driver: 'overlay' | 'vfs', source: string, name: string): void {
    const at = join(this.folder, driver);
    this.skopeo('copy', '--quiet', source, `containers-storage:[${driver}@${at}/root+${at}/run]${name}`);
  }

  /** Takes away what the overlay driver has mounted on its own store. */
  close(): void {
    unmount(join(this.folder, 'overlay/root/overlay'), true);
  }

  private store(driver: string): string[] {
    const at = join(this.folder, driver);
    return ['--root', join(at, 'root'), '--runroot', join(at, 'run'), '--storage-driver', driver];
  }
}
