// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { closeFile, O_DIRECTORY, O_NOFOLLOW, O_PATH, openAt } from '../system/files';
import { ERRNO, SystemError } from '../system/libc';
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

/** So many stay open though descriptors are short: a call may use two of them, and opens those above them. */
const FEWEST_KEPT = 64;

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
    const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    let fd = openAt(this.fdOf(parent), name, flags);
    // Open files have taken all descriptors: what is only kept for speed makes room.
    while (fd === -ERRNO.EMFILE && this.ring.length > FEWEST_KEPT) {
      this.giveUpOne();
      fd = openAt(this.fdOf(parent), name, flags);
    }
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
    this.closeUnused();
    this.ring[this.hand] = directory;
    this.advance();
  }

  private giveUpOne(): void {
    this.closeUnused();
    this.ring.splice(this.hand, 1);
    this.hand %= this.ring.length;
  }

  /** Closes the first one, from the hand on, that was not used since the hand passed it; the hand then points at it. */
  private closeUnused(): void {
    for (; this.ring[this.hand]!.used; this.advance()) this.ring[this.hand]!.used = false;
    const unused = this.ring[this.hand]!;
    closeFile(unused.fd);
    unused.fd = -1;
  }

  private advance(): void {
    this.hand = (this.hand + 1) % this.ring.length;
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
