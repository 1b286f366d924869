// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import type { Layer } from '../../layers/layer';
import { closeFile, O_NOATIME, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, openBeneath, readFile } from '../../system/files';
import { ERRNO } from '../../system/libc';
import type { PathTable } from '../path-table';
import { OWN_CONTENT, type StoredFiles } from './stored-files';

const CHUNK = 1 << 20;
/** Files over this size are told apart by their first bytes before they are read whole. */
const HEAD = 64 << 10;
const FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/** How far the search is: bytes read and to read, the latter an upper bound. */
export interface ContentProgress {
  bytes: number;
  total: number;
  /** Files that could not be read. */
  unreadable: number;
}

/**
 * Finds the files that have the same content, and numbers those contents. Only files of a size that others have too are
 * read, in pieces, and each but once; of large ones first the beginning. Yields between pieces.
 */
export class SameContents {
  readonly progress: ContentProgress = { bytes: 0, total: 0, unreadable: 0 };
  readonly #buffer = Buffer.allocUnsafe(CHUNK);
  #next = 0;

  constructor(
    private readonly layers: readonly Layer[],
    private readonly table: PathTable,
    private readonly files: StoredFiles,
  ) {}

  *run(): Generator<void, void> {
    const { bytes } = this.files;
    const order = Uint32Array.from({ length: this.files.count }, (_, file) => file);
    order.sort((a, b) => bytes.get(b) - bytes.get(a));
    const groups: Uint32Array[] = [];
    for (let from = 0; from < order.length;) {
      const size = bytes.get(order[from]!);
      let end = from + 1;
      while (end < order.length && bytes.get(order[end]!) === size) end++;
      if (end - from > 1 && size > 0) {
        groups.push(order.subarray(from, end));
        this.progress.total += size * (end - from);
      }
      from = end;
    }
    for (const group of groups) yield* this.#tellApart(group, bytes.get(group[0]!));
  }

  *#tellApart(group: Uint32Array, size: number): Generator<void, void> {
    const alike = size > HEAD ? yield* this.#byDigest(group, HEAD) : [group];
    for (const files of alike) {
      for (const same of yield* this.#byDigest(files, size)) this.#number(same);
    }
    const compared = alike.reduce((sum, files) => sum + files.length, 0);
    this.progress.bytes += (group.length - compared) * size;
  }

  #number(same: ArrayLike<number>): void {
    const number = this.#next++;
    for (let i = 0; i < same.length; i++) this.files.content.set(same[i]!, number);
  }

  /** The files by the digest of their first bytes; those that are alone with theirs are left out. */
  *#byDigest(group: ArrayLike<number>, length: number): Generator<void, number[][]> {
    const byDigest = new Map<string, number[]>();
    for (let i = 0; i < group.length; i++) {
      const file = group[i]!;
      const digest = yield* this.#digest(file, length);
      if (length === this.files.bytes.get(file)) this.progress.bytes += length;
      if (digest === null) {
        this.progress.unreadable++;
        continue;
      }
      const known = byDigest.get(digest);
      if (known) known.push(file);
      else byDigest.set(digest, [file]);
    }
    return [...byDigest.values()].filter(({ length: alike }) => alike > 1);
  }

  *#digest(file: number, length: number): Generator<void, string | null> {
    const fd = this.#open(file);
    if (fd < 0) return null;
    const hash = createHash('sha256');
    try {
      for (let at = 0; at < length;) {
        const count = readFile(fd, this.#buffer, Math.min(CHUNK, length - at), at);
        if (count <= 0) return null;
        hash.update(this.#buffer.subarray(0, count));
        at += count;
        yield;
      }
      return hash.digest('base64');
    } finally {
      closeFile(fd);
    }
  }

  /** No symbolic link that somebody put on the way is followed. */
  #open(file: number): number {
    const { root } = this.layers[this.files.layer.get(file)]!;
    const path = this.table.pathOf(this.files.node.get(file)).slice(1);
    const fd = openBeneath(root.fd, path, FLAGS | O_NOATIME);
    return fd === -ERRNO.EPERM ? openBeneath(root.fd, path, FLAGS) : fd;
  }
}

/** The groups of files that have one content. */
export function contentGroups(files: StoredFiles): number[][] {
  const groups: number[][] = [];
  for (let file = 0; file < files.count; file++) {
    const content = files.content.get(file);
    if (content !== OWN_CONTENT) (groups[content] ??= []).push(file);
  }
  return groups;
}
