// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { closeFile, O_DIRECTORY, O_NOFOLLOW, O_PATH, openAt, openPath } from '../../system/files';
import { SystemError } from '../../system/libc';

/** @param fd the directory that the component at `depth` of the path is in */
export type Mend = (fd: number, depth: number, errno: number) => boolean;

/** Descriptors of so many of the deepest directories stay open. */
const KEPT = 64;

/**
 * Reaches directories of an unpacked layer by descriptors, a component at a time and never through a symlink. The
 * directories that lead to the last one stay open: tars list a directory's names together.
 */
export class DirectoryTrail {
  private readonly root: number;
  private names: ByteString[] = [];
  private fds: number[] = [];

  /** @param folder an existing directory, the user's own path: symlinks in it are followed */
  constructor(folder: ByteString) {
    this.root = openPath(folder, O_PATH | O_DIRECTORY);
  }

  /**
   * An O_PATH descriptor of the directory, good until the next call.
   * @param path   components from the layer's root on
   * @param length how many of them lead to the directory
   * @param mend   asked about a component that cannot be opened, with the errno; whether it is worth a second try
   * @throws SystemError about the path: ENOENT, ENOTDIR for anything that is no directory, symlinks as well
   */
  open(path: readonly ByteString[], length: number, mend?: Mend): number {
    let depth = 0;
    while (depth < length && depth < this.names.length && this.names[depth] === path[depth]) depth++;
    this.cut(depth);
    // The descriptors high above were closed: from the root again.
    if (depth > 0 && this.fds[depth - 1]! < 0) {
      this.cut(0);
      depth = 0;
    }
    for (; depth < length; depth++) this.step(path, depth, mend);
    return this.last;
  }

  close(): void {
    this.cut(0);
    closeFile(this.root);
  }

  private get last(): number {
    return this.fds.length === 0 ? this.root : this.fds[this.fds.length - 1]!;
  }

  private step(path: readonly ByteString[], depth: number, mend?: Mend): void {
    const name = path[depth]!;
    const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    let fd = openAt(this.last, name, flags);
    if (fd < 0 && mend !== undefined && mend(this.last, depth, -fd)) fd = openAt(this.last, name, flags);
    if (fd < 0) throw new SystemError(-fd, 'open', path.slice(0, depth + 1).join('/'));
    this.names.push(name);
    this.fds.push(fd);
    const far = this.fds.length - 1 - KEPT;
    if (far >= 0 && this.fds[far]! >= 0) {
      closeFile(this.fds[far]!);
      this.fds[far] = -1;
    }
  }

  private cut(length: number): void {
    for (let i = length; i < this.fds.length; i++) if (this.fds[i]! >= 0) closeFile(this.fds[i]!);
    this.fds.length = length;
    this.names.length = length;
  }
}
