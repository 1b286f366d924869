// SPDX-License-Identifier: MIT
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { lockExclusively } from '../../system/file-content';
import { closeFile, O_DIRECTORY, O_RDONLY, openPath } from '../../system/files';
import { errnoName } from '../../system/libc';
import type { Descriptor, ImageDestination } from '../source';
import { checkedStream } from './checked-stream';
import { FreshFile, isFresh, nodePath, writeAll } from './fresh-file';
import { INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT, withImage } from './oci-index';

/** How long another writer of the index is waited for. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 20;

/** An OCI image layout in a folder (image-spec, image-layout.md), new or with images already. */
export class OciFolder implements ImageDestination {
  private constructor(
    private readonly folder: ByteString,
    private readonly tag: string | null,
    readonly notation: string,
  ) {}

  /**
   * @param tag the name of the image in the layout, null for none
   * @throws Failure where the folder has something else in it
   */
  static async open(folder: ByteString, tag: string | null): Promise<OciFolder> {
    await mkdir(nodePath(folder), { recursive: true });
    // Files of another export that is on its way say nothing.
    const names = (await readdir(nodePath(folder))).filter((name) => !isFresh(name));
    if (names.length > 0 && !names.includes(LAYOUT_FILE)) {
      throw new Failure(
        'ENOTEMPTY',
        `${display(folder)} is no OCI layout, and not empty (ENOTEMPTY).`,
        'Give a layout, or a folder that is empty or not there yet.',
      );
    }
    const notation = `oci:${display(folder)}${tag === null ? '' : `:${tag}`}`;
    const opened = new OciFolder(folder, tag, notation);
    if (!names.includes(LAYOUT_FILE)) await opened.write(LAYOUT_FILE, LAYOUT_TEXT);
    return opened;
  }

  async has({ digest, size }: Descriptor): Promise<boolean> {
    const found = await stat(nodePath(this.blobPath(digest))).catch(() => null);
    return found !== null && found.size === size;
  }

  async put(
    descriptor: Descriptor,
    open: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const path = this.blobPath(descriptor.digest);
    await mkdir(nodePath(path.slice(0, path.lastIndexOf('/'))), { recursive: true });
    const file = await FreshFile.make(path);
    try {
      const chunks = checkedStream(descriptor, await open(0), this.notation, onBytes, signal);
      for await (const chunk of chunks) await writeAll(file.handle, chunk);
    } catch (error) {
      await file.discard();
      throw error;
    }
    await file.keep();
  }

  async finish(descriptor: Descriptor, bytes: Buffer, signal: AbortSignal): Promise<void> {
    await this.put(
      descriptor,
      () => Promise.resolve(one(bytes)),
      () => {},
      signal,
    );
    const lock = await this.lock(signal);
    try {
      const before = await readFile(nodePath(`${this.folder}/${INDEX_FILE}`), 'utf8').catch(whenMissing);
      await this.write(INDEX_FILE, withImage(before, descriptor, this.tag));
    } finally {
      closeFile(lock);
    }
  }

  async close(): Promise<void> {}

  private blobPath(digest: Digest): ByteString {
    return `${this.folder}/blobs/${digest.replace(':', '/')}`;
  }

  private async write(name: string, text: string): Promise<void> {
    const file = await FreshFile.make(`${this.folder}/${name}`);
    await writeAll(file.handle, Buffer.from(text));
    await file.keep();
  }

  /** Two that add an image at a time would each write an index without the other's. */
  private async lock(signal: AbortSignal): Promise<number> {
    const fd = openPath(this.folder, O_RDONLY | O_DIRECTORY);
    for (const end = Date.now() + PATIENCE_MS; ;) {
      const result = lockExclusively(fd);
      if (result === 0) return fd;
      if (signal.aborted || Date.now() > end) {
        closeFile(fd);
        signal.throwIfAborted();
        throw new Failure(
          errnoName(-result),
          `Another program holds the layout ${display(this.folder)} (${errnoName(-result)}).`,
          'Wait for it to end, and try again.',
        );
      }
      await pause(PAUSE_MS);
    }
  }
}

/** Bytes in memory as a stream. */
export async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
  await Promise.resolve();
}

function whenMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
