// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { closeFile, O_DIRECTORY, O_NOFOLLOW, O_PATH, openAt } from '../system/files';
import { SystemError } from '../system/libc';
import type { Layer } from './layer';

/**
 * A directory inside a layer. It is reached from its parent, one name at a time, through O_PATH descriptors: no path
 * length limits it, and no symlink that somebody puts in its place is followed.
 */
export class RealDirectory {
  /** Its descriptor while the cache holds one, else -1. */
  fd = -1;
  /** Second chance in the cache. */
  used = false;

  constructor(
    readonly layer: Layer,
    /** Null for the root of a layer. A rename in the upper changes both. */
    public parent: RealDirectory | null,
    public name: ByteString,
  ) {}

  /** Path inside the layer: `/`, `/usr/bin`. */
  get path(): ByteString {
    if (!this.parent) return '/';
    const above = this.parent.path;
    return above === '/' ? `/${this.name}` : `${above}/${this.name}`;
  }
}

/**
 * Keeps a bounded number of directories open, by the clock algorithm. A descriptor is good until the next call:
 * use it at once, do not keep it.
 */
export class DirectoryCache {
  private readonly ring: RealDirectory[] = [];
  private hand = 0;

  constructor(private readonly capacity: number) {}

  /** An O_PATH descriptor of the directory. Throws a SystemError that names the layer's path. */
  fdOf(directory: RealDirectory): number {
    if (directory.fd >= 0) {
      directory.used = true;
      return directory.fd;
    }
    return this.open(directory);
  }

  private open(directory: RealDirectory): number {
    const { parent, name, layer } = directory;
    if (!parent) throw new Error('the root of a layer is always open');
    const fd = openAt(this.fdOf(parent), name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0) throw new SystemError(-fd, 'open', layer.path + directory.path);
    directory.fd = fd;
    directory.used = true;
    this.keep(directory);
    return fd;
  }

  private keep(directory: RealDirectory): void {
    if (this.ring.length < this.capacity) {
      this.ring.push(directory);
      return;
    }
    for (;;) {
      const candidate = this.ring[this.hand]!;
      if (!candidate.used) {
        closeFile(candidate.fd);
        candidate.fd = -1;
        this.ring[this.hand] = directory;
        this.hand = (this.hand + 1) % this.capacity;
        return;
      }
      candidate.used = false;
      this.hand = (this.hand + 1) % this.capacity;
    }
  }

  close(): void {
    for (const directory of this.ring) {
      closeFile(directory.fd);
      directory.fd = -1;
    }
    this.ring.length = 0;
    this.hand = 0;
  }
}
