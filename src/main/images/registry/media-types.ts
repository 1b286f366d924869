// SPDX-License-Identifier: MIT
import type { Descriptor } from '../source';

/** Manifests and indexes, which registries keep apart from blobs, by what they are of. */
const MANIFESTS = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/** What a manifest is asked for as. Without schema 1: a registry that has only that says so. */
export const manifestAccept = MANIFESTS.join(', ');

export const isManifest = (mediaType: string): boolean => MANIFESTS.includes(mediaType);

/** Docker's first format, whose layers have no digests that could be checked. */
export const isSchema1 = (mediaType: string): boolean =>
  /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/.test(mediaType);

/** Layers that are not to be pushed: they are had from where their descriptor says, by those who may. */
export function isForeign({ mediaType, urls = [] }: Descriptor): boolean {
  return urls.length > 0 && /\.nondistributable\.|\.foreign\./.test(mediaType);
}
