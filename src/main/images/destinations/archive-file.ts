// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { WrittenEntry, WrittenType } from '../tar/write-entry';
import { END_BYTES, headerOf, paddingOf } from '../tar/write-header';
import { fitsSize } from '../tar/write-pax';
import { FreshFile, nodePath, writeAll } from './fresh-file';

/** An entry of an archive that we make: nobody's, of no time. */
const entryOf = (path: ByteString, type: WrittenType, size: number, target: ByteString): WrittenEntry => ({
  path,
  type,
  mode: type === 'directory' ? 0o755 : 0o644,
  uid: 0,
  gid: 0,
  mtime: 0,
  mtimeNs: 0,
  size,
  target,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: [],
});

const exists = (path: ByteString): Failure =>
  new Failure(
    'EEXIST',
    `${display(path)} is there already (EEXIST).`,
    'Give another name, or remove the file: an archive is always written anew.',
  );

/**
 * A tar file that is filled entry by entry and is in its place only when it is whole. Entries that are added at the
 * same time wait for each other; one that fails leaves no trace.
 */
export class ArchiveFile {
  private end = 0;
  private last: Promise<unknown> = Promise.resolve();
  private isOpen = true;

  private constructor(
    private readonly path: ByteString,
    private readonly file: FreshFile,
  ) {}

  /** @throws Failure EEXIST where there is something already */
  static async make(path: ByteString): Promise<ArchiveFile> {
    if (existsSync(nodePath(path))) throw exists(path);
    return new ArchiveFile(path, await FreshFile.make(path));
  }

  directory(path: ByteString): Promise<void> {
    return this.alone(() => this.append(headerOf(entryOf(path, 'directory', 0, ''))));
  }

  symlink(path: ByteString, target: ByteString): Promise<void> {
    return this.alone(() => this.append(headerOf(entryOf(path, 'symlink', 0, target))));
  }

  bytes(path: ByteString, bytes: Uint8Array): Promise<void> {
    return this.alone(async () => {
      await this.append(headerOf(entryOf(path, 'file', bytes.length, '')));
      await this.append(bytes);
      await this.append(Buffer.alloc(paddingOf(bytes.length)));
    });
  }

  /** A file of known size. */
  blob(path: ByteString, size: number, open: () => Promise<AsyncIterable<Uint8Array>>): Promise<void> {
    return this.alone(async () => {
      await this.append(headerOf(entryOf(path, 'file', size, '')));
      for await (const chunk of await open()) await this.append(chunk);
      await this.append(Buffer.alloc(paddingOf(size)));
    });
  }

  /**
   * A file whose size and name are known only at its end: its header is written then.
   * @param open may be called a second time, where the size needs a longer header than others
   * @param nameOf what it is called; null where it shall not be in the archive after all
   */
  late(open: () => Promise<AsyncIterable<Uint8Array>>, nameOf: () => ByteString | null): Promise<void> {
    return this.alone(async () => {
      const start = this.end;
      const size = await this.after(headerOf(entryOf('', 'file', 0, '')).length, await open());
      const path = nameOf();
      if (path === null) return this.cut(start);
      const header = headerOf(entryOf(path, 'file', size, ''));
      if (!fitsSize(size)) {
        await this.cut(start);
        await this.after(header.length, await open());
      }
      await writeAll(this.file.handle, header, start);
      await this.append(Buffer.alloc(paddingOf(size)));
    });
  }

  /** Ends the archive and puts it in its place. Throws a Failure EEXIST where something came there meanwhile. */
  async finish(): Promise<void> {
    await this.alone(() => this.append(Buffer.alloc(END_BYTES)));
    this.isOpen = false;
    try {
      await this.file.keepNew();
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? exists(this.path) : error;
    }
  }

  /** Leaves nothing of an archive that was not finished. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.last.catch(() => {});
    await this.file.discard();
  }

  private alone(use: () => Promise<void>): Promise<void> {
    const turn = this.last.then(async () => {
      const start = this.end;
      try {
        await use();
      } catch (error) {
        await this.cut(start);
        throw error;
      }
    });
    this.last = turn.catch(() => {});
    return turn;
  }

  /** Leaves room, then puts content behind it. Returns the bytes of the content. */
  private async after(room: number, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    this.end += room;
    const start = this.end;
    for await (const chunk of chunks) await this.append(chunk);
    return this.end - start;
  }

  private async append(bytes: Uint8Array): Promise<void> {
    await writeAll(this.file.handle, bytes, this.end);
    this.end += bytes.length;
  }

  private async cut(end: number): Promise<void> {
    this.end = end;
    await this.file.handle.truncate(end);
  }
}
