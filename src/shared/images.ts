// SPDX-License-Identifier: MIT
import type { ByteString } from './bytes';

/** `ALGORITHM:HEX`, in lower case (OCI image-spec, descriptor.md "Digests"). */
export type Digest = string;

/** OCI image-spec, image-index.md. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** One layer of an image, the lowest first in any list of them. */
export interface ImageLayer {
  /** Digest of the uncompressed tar. */
  readonly diffId: Digest;
  /** Digest of the blob that the manifest names; null where only the unpacked layer is at hand. */
  readonly digest: Digest | null;
  readonly mediaType: string;
  /** Bytes of that blob; of the tar where there is no blob. */
  readonly blobBytes: number;
  /** Bytes of the uncompressed tar; null while not known. */
  readonly tarBytes: number | null;
  /** Bytes that the unpacked files take on disk; null while not known. */
  readonly diskBytes: number | null;
  /** Entries of the tar; null while not known. */
  readonly entries: number | null;
  /** The unpacked layer, ready to stand in a lowerdir. */
  readonly folder: ByteString;
  /** Who keeps that folder: Lamina's store, or another tool that may change it. */
  readonly keeper: 'store' | 'containers-storage' | 'docker' | 'containerd' | 'mount';
  /** The command of the history entry that made it; empty where the image does not say. */
  readonly createdBy: string;
  /** How many images of the store have this layer. */
  readonly sharedBy: number;
}

/** The part of an image's configuration that people ask for (OCI image-spec, config.md). */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
  readonly author: string;
}

export interface Image {
  /** Digest of the configuration: what `podman images` and `docker images` call the image id. */
  readonly id: Digest;
  /** Digest of the manifest. */
  readonly digest: Digest;
  /** Full names (`docker.io/library/debian:12`), none for an image that lost its last one. */
  readonly references: readonly string[];
  readonly platform: Platform;
  /** RFC 3339, as the configuration says; null where it does not. */
  readonly created: string | null;
  readonly layers: readonly ImageLayer[];
  readonly config: ImageConfig;
  /** Bytes on disk of all its layers, and of those that other images have too. */
  readonly diskBytes: number;
  readonly sharedBytes: number;
  /** Where it was imported from, as a reference of `lamina image import`. */
  readonly source: string;
}

export type TransferState = 'waiting' | 'running' | 'exists' | 'done';

/** One blob or layer of a transfer that runs. */
export interface TransferItem {
  readonly digest: Digest;
  readonly what: 'manifest' | 'config' | 'layer';
  readonly state: TransferState;
  /** Bytes so far, and in all where that is known. */
  readonly bytes: number;
  readonly total: number | null;
  /** Entries unpacked or packed so far. */
  readonly files: number;
}

/** How far an import, an export or a push is; said at most ten times a second, and once more at its end. */
export interface TransferProgress {
  readonly items: readonly TransferItem[];
  readonly bytes: number;
  readonly total: number | null;
  readonly files: number;
  /** Bytes a second over the last seconds. */
  readonly rate: number;
  /** Null while unknown. */
  readonly secondsLeft: number | null;
}
