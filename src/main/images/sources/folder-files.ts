// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { readPiece, readRange, regularSize, type FileSet } from './file-set';

/** The files of a folder on disk. */
export class FolderFiles implements FileSet {
  constructor(private readonly folder: ByteString) {}

  size(name: ByteString): Promise<number | null> {
    return regularSize(`${this.folder}/${name}`);
  }

  async read(name: ByteString, most: number): Promise<Buffer> {
    const size = await this.#sizeOf(name);
    if (size > most) throw tooLarge(`${this.folder}/${name}`, size, most);
    return readPiece(`${this.folder}/${name}`, 0, size);
  }

  async open(name: ByteString, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return readRange(`${this.folder}/${name}`, offset, await this.#sizeOf(name), signal);
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }

  async #sizeOf(name: ByteString): Promise<number> {
    const size = await this.size(name);
    if (size === null) throw missingFile(this.folder, name);
    return size;
  }
}

/** A document of a source that is too large to be one. */
export const tooLarge = (path: ByteString, size: number, most: number): Failure =>
  new Failure(
    'over-limit',
    `${display(path)} has ${size} bytes, and ${most} are the most for a manifest or configuration.`,
    'It is no image, or was made to harm: do not use it.',
  );

/** A file that an image should have. */
export const missingFile = (where: ByteString, name: ByteString): Failure =>
  new Failure(
    'missing-blob',
    `${display(where)} has no file ${display(name)}.`,
    'The image is not whole: copy it again from where it was made.',
  );
