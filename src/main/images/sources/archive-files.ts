// SPDX-License-Identifier: MIT
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { decompress } from '../decompress';
import { MAGIC_BYTES, packingOf } from '../layer-format';
import { raw } from '../store/durable';
import { indexArchive, type ArchiveEntry } from './archive-index';
import { readPiece, readRange, regularSize, type FileSet } from './file-set';
import { missingFile, tooLarge } from './folder-files';

/** Links on the way to a file of an archive; docker's lead to one file at once. */
const MOST_LINKS = 8;

/** A place for the unpacked copy of a compressed archive. */
export interface Spool {
  /** A file to be, on a file system with room for it. */
  readonly path: ByteString;
  /** Ends what keeps the place from being cleared. */
  release(): void;
}

/** The files of a tar, read where they stand in it. */
export class ArchiveFiles implements FileSet {
  private constructor(
    private readonly path: ByteString,
    private readonly tar: ByteString,
    private readonly spool: Spool | null,
    private readonly entries: ReadonlyMap<ByteString, ArchiveEntry>,
  ) {}

  /**
   * Looks through a tar. A compressed one is unpacked into a file of its own first, which goes again with `close`.
   * @param makeSpool called for a compressed one
   * @throws Failure `bad-archive`
   */
  static async open(path: ByteString, makeSpool: () => Promise<Spool>, signal: AbortSignal): Promise<ArchiveFiles> {
    if ((await regularSize(path)) === null) {
      throw new Failure('ENOENT', `${display(path)} is not a file that can be read.`, 'Check the path of the archive.');
    }
    const packing = packingOf(await readPiece(path, 0, MAGIC_BYTES));
    if (packing === 'tar') return new ArchiveFiles(path, path, null, await indexArchive(path));
    if (packing !== 'gzip' && packing !== 'zstd') {
      throw new Failure(
        'bad-archive',
        `${display(path)} is compressed with ${packing}.`,
        `Decompress it first: ${packing} -d.`,
      );
    }
    const spool = await makeSpool();
    try {
      const size = (await regularSize(path))!;
      await spoolTo(spool.path, decompress(readRange(path, 0, size, signal), packing));
      return new ArchiveFiles(path, spool.path, spool, await indexArchive(spool.path));
    } catch (error) {
      clear(spool);
      throw error;
    }
  }

  async size(name: ByteString): Promise<number | null> {
    return this.#find(name)?.size ?? null;
  }

  async read(name: ByteString, most: number): Promise<Buffer> {
    const { offset, size } = this.#get(name);
    if (size > most) throw tooLarge(`${this.path}/${name}`, size, most);
    return readPiece(this.tar, offset, size);
  }

  async open(name: ByteString, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const entry = this.#get(name);
    return readRange(this.tar, entry.offset + offset, entry.offset + entry.size, signal);
  }

  async close(): Promise<void> {
    if (this.spool) clear(this.spool);
  }

  #get(name: ByteString): Extract<ArchiveEntry, { kind: 'file' }> {
    const entry = this.#find(name);
    if (!entry) throw missingFile(this.path, name);
    return entry;
  }

  #find(name: ByteString): Extract<ArchiveEntry, { kind: 'file' }> | null {
    let at = name;
    for (let links = 0; links <= MOST_LINKS; links++) {
      const entry = this.entries.get(at);
      if (entry === undefined) return null;
      if (entry.kind === 'file') return entry;
      at = entry.target;
    }
    return null;
  }
}

function clear({ path, release }: Spool): void {
  rmSync(raw(path), { force: true });
  release();
}

async function spoolTo(path: ByteString, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const fd = openSync(raw(path), 'wx', 0o600);
  try {
    for await (const chunk of bytes) for (let at = 0; at < chunk.length;) at += writeSync(fd, chunk, at);
  } finally {
    closeSync(fd);
  }
}
