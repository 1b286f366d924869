// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Digest } from '@shared/images';
import type { Namespace } from '../../overlay/xattr-names';
import type { Recompression } from '../compression';
import type { LayerLimits } from './limits';

/** Where a layer goes, and in which form. */
export interface UnpackTarget {
  /** What messages call the layer: the digest that the manifest has. */
  readonly layer: string;
  /** An existing, empty directory. Its own mode, owner and times become those of the layer's root. */
  readonly folder: ByteString;
  /** The tar-split record, a file that does not exist yet. */
  readonly tarSplit: ByteString;
  /** The namespace of the overlay's attributes: `trusted` needs root of the first user namespace. */
  readonly names: Namespace;
  /** Owners and modes in the files, or recorded in attributes where the user may not set them. */
  readonly owners: 'real' | 'recorded';
  readonly limits: LayerLimits;
}

/** How far it is. */
export interface UnpackProgress {
  readonly blobBytes: number;
  readonly tarBytes: number;
  readonly entries: number;
}

export interface UnpackedLayer {
  /** SHA-256 of the blob as it was read; not compared with anything here. */
  readonly digest: Digest;
  /** SHA-256 of the tar in it. */
  readonly diffId: Digest;
  readonly blobBytes: number;
  readonly tarBytes: number;
  readonly entries: number;
  /** Bytes that the unpacked files take on disk. */
  readonly diskBytes: number;
  /** What the blob turned out to be, whatever the manifest says. */
  readonly mediaType: string;
  /** How the exact blob can be made from the tar again; null where that is not known. */
  readonly recompression: Recompression | null;
}
