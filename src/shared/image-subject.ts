// SPDX-License-Identifier: MIT
import type { ByteString } from './bytes';
import type { Composition } from './composition';
import type { Digest } from './images';

/** What can be analysed and compared: a composition, an image of the store, or folders of layers, the lowest first. */
export type ImageSubject =
  | { readonly kind: 'composition'; readonly composition: Composition }
  /** By the digest of its manifest. */
  | { readonly kind: 'image'; readonly image: Digest }
  | { readonly kind: 'layers'; readonly folders: readonly ByteString[]; readonly userxattr: boolean };
