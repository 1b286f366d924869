// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { Digest } from '@shared/images';
import type { Descriptor, ImageDestination } from '../source';
import { ArchiveFile } from './archive-file';
import { checkedStream } from './checked-stream';
import { INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT, withImage } from './oci-index';

/** An OCI image layout in a tar file, with one image. */
export class OciArchive implements ImageDestination {
  private readonly blobs = new Set<Digest>();

  private constructor(
    private readonly archive: ArchiveFile,
    private readonly tag: string | null,
    readonly notation: string,
  ) {}

  /** @throws Failure EEXIST where the file is there already */
  static async make(path: ByteString, tag: string | null): Promise<OciArchive> {
    const archive = await ArchiveFile.make(path);
    const notation = `oci-archive:${display(path)}${tag === null ? '' : `:${tag}`}`;
    await archive.bytes(LAYOUT_FILE, Buffer.from(LAYOUT_TEXT));
    await archive.directory('blobs');
    await archive.directory('blobs/sha256');
    return new OciArchive(archive, tag, notation);
  }

  has({ digest }: Descriptor): Promise<boolean> {
    return Promise.resolve(this.blobs.has(digest));
  }

  async put(
    descriptor: Descriptor,
    open: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const path = `blobs/${descriptor.digest.replace(':', '/')}`;
    await this.archive.blob(path, descriptor.size, async () =>
      checkedStream(descriptor, await open(0), this.notation, onBytes, signal),
    );
    this.blobs.add(descriptor.digest);
  }

  async finish(descriptor: Descriptor, bytes: Buffer): Promise<void> {
    await this.archive.bytes(`blobs/${descriptor.digest.replace(':', '/')}`, bytes);
    await this.archive.bytes(INDEX_FILE, Buffer.from(withImage(null, descriptor, this.tag)));
    await this.archive.finish();
  }

  close(): Promise<void> {
    return this.archive.close();
  }
}
