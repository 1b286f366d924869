// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import { link, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import type { ByteString } from '@shared/bytes';

/** A path as Node takes one that need not be UTF-8. */
export const nodePath = (path: ByteString): Buffer => Buffer.from(path, 'latin1');

/** The folder that a path stands in. */
export const folderOf = (path: ByteString): ByteString => {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : path.slice(0, slash) || '/';
};

const PREFIX = '.lamina-';

/** Whether a name is that of a file which is not in its place yet. */
export const isFresh = (name: ByteString): boolean => name.startsWith(PREFIX);

/** A file that is written beside its place and comes there whole, or not at all. */
export class FreshFile {
  private constructor(
    private readonly place: ByteString,
    private readonly beside: ByteString,
    readonly handle: FileHandle,
  ) {}

  static async make(place: ByteString): Promise<FreshFile> {
    const beside = `${folderOf(place)}/${PREFIX}${process.pid}-${randomBytes(6).toString('hex')}`;
    return new FreshFile(place, beside, await open(nodePath(beside), 'wx+', 0o644));
  }

  /** Puts the file in its place, whatever was there before. It is on the disk then. */
  async keep(): Promise<void> {
    await this.handle.sync();
    await this.handle.close();
    await rename(nodePath(this.beside), nodePath(this.place));
    await syncFolder(folderOf(this.place));
  }

  /** As `keep`, but fails with EEXIST where something is in the place already. */
  async keepNew(): Promise<void> {
    await this.handle.sync();
    await this.handle.close();
    try {
      await link(nodePath(this.beside), nodePath(this.place));
    } finally {
      await unlink(nodePath(this.beside));
    }
    await syncFolder(folderOf(this.place));
  }

  async discard(): Promise<void> {
    await this.handle.close();
    await unlink(nodePath(this.beside)).catch(() => {});
  }
}

/** Makes names that came to stand in a folder last. */
async function syncFolder(path: ByteString): Promise<void> {
  const handle = await open(nodePath(path), 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes all of a chunk where the last one ended, or at `position`. */
export async function writeAll(handle: FileHandle, chunk: Uint8Array, position: number | null = null): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, at, chunk.length - at, position === null ? null : position + at);
    at += bytesWritten;
  }
}
