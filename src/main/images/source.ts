// SPDX-License-Identifier: MIT
import type { Digest, Platform } from '@shared/images';

/** What names a blob (OCI image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly platform?: Platform;
  /** Other places that the blob can be had from (foreign layers). */
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The manifest or index that a source starts from, as its exact bytes. */
export interface SourceRoot {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** Where blobs of one image come from: a layout, an archive, a registry. Nothing that it gives is checked yet. */
export interface ImageSource {
  /** In the notation of `lamina image import`, for messages. */
  readonly notation: string;
  /** Full names that the source itself gives to the image. */
  readonly references: readonly string[];
  /** Its blobs can be read again at no cost: an import keeps no copy of what has come so far. */
  readonly isLocal?: boolean;
  root(signal: AbortSignal): Promise<SourceRoot>;
  /** A blob that fits in memory (manifest, configuration); refuses one over 8 MiB. */
  read(descriptor: Descriptor, signal: AbortSignal): Promise<Buffer>;
  /** A blob's bytes from an offset on, so that an interrupted transfer goes on where it was. */
  open(descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Frees what the source holds open. */
  close(): Promise<void>;
}

/** Where an image goes: a layout, an archive, a registry. */
export interface ImageDestination {
  readonly notation: string;
  /** Whether the blob is there already (or can be had there without sending it). */
  has(descriptor: Descriptor, signal: AbortSignal): Promise<boolean>;
  /**
   * Takes a blob. `open` gives its bytes from an offset, and may be called again when an upload is resumed.
   * @throws Failure that names the blob, when what arrives is not what the descriptor says
   */
  put(
    descriptor: Descriptor,
    open: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Takes the manifest (or index) last: only then the image is there under its name. */
  finish(descriptor: Descriptor, bytes: Buffer, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
