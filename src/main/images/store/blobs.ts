// SPDX-License-Identifier: MIT
import { createReadStream, lstatSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { algorithmOf, digestOf, hashFor, refuseWrong, wrongSize } from '../checked-bytes';
import type { Descriptor } from '../source';
import { publish, raw, replaceFile } from './durable';
import type { StoreLayout } from './layout';

const READ_BYTES = 1 << 20;

/** The blobs of a store, each a file under its digest. What is there is whole and was checked when it came. */
export class Blobs {
  constructor(private readonly layout: StoreLayout) {}

  has(digest: Digest): boolean {
    return this.size(digest) !== null;
  }

  /** Bytes; null where there is no such blob. */
  size(digest: Digest): number | null {
    return lstatSync(raw(this.layout.blob(digest)), { throwIfNoEntry: false })?.size ?? null;
  }

  /** A blob that fits in memory. Throws a Failure where it is not there. */
  read(digest: Digest): Buffer {
    try {
      return readFileSync(raw(this.layout.blob(digest)));
    } catch {
      throw missingBlob(digest);
    }
  }

  /** A blob's bytes from an offset on. Throws a Failure where it is not there. */
  open(digest: Digest, offset: number): AsyncIterable<Uint8Array> {
    if (!this.has(digest)) throw missingBlob(digest);
    return createReadStream(raw(this.layout.blob(digest)), { start: offset, highWaterMark: READ_BYTES });
  }

  /** Adds a manifest or configuration, which is checked. */
  add(descriptor: Pick<Descriptor, 'digest' | 'size'>, bytes: Buffer, from: string): void {
    refuseWrong(descriptor, bytes.length, digestOf(bytes, descriptor.digest), from);
    if (!this.has(descriptor.digest)) replaceFile(this.layout.temporary, this.layout.blob(descriptor.digest), bytes);
  }

  /** Adds a blob as it comes, checked before it is there under its name. Throws a Failure for a wrong one. */
  async receive(
    descriptor: Pick<Descriptor, 'digest' | 'size'>,
    from: AsyncIterable<Uint8Array>,
    notation: string,
  ): Promise<void> {
    const { digest, size } = descriptor;
    const beside = this.layout.newTemporary();
    const file = await open(raw(beside), 'wx', 0o600);
    try {
      const hash = hashFor(digest);
      let bytes = 0;
      for await (const chunk of from) {
        bytes += chunk.length;
        if (bytes > size) throw wrongSize(digest, size, `more than ${size}`, notation);
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      refuseWrong(descriptor, bytes, `${algorithmOf(digest)}:${hash.digest('hex')}`, notation);
      await file.sync();
    } catch (error) {
      rmSync(raw(beside), { force: true });
      throw error;
    } finally {
      await file.close();
    }
    publish(beside, this.layout.blob(digest));
  }

  /** Takes over a file of the store that holds the whole blob, and was checked. */
  async adopt(path: ByteString, digest: Digest): Promise<void> {
    const file = await open(raw(path), 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    publish(path, this.layout.blob(digest));
  }
}

const missingBlob = (digest: Digest): Failure =>
  new Failure(
    'no-blob',
    `The image store has no blob ${digest}.`,
    'lamina image check says what else is missing; import the image again to mend it.',
  );
