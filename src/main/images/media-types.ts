// SPDX-License-Identifier: MIT
import type { Descriptor } from './source';

/** Media types of OCI images (image-spec, media-types.md) and of Docker's (distribution, manifest v2 schema 2). */
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';

/** All that registries keep apart from blobs, the most wanted first. */
export const DOCUMENT_TYPES: readonly string[] = [OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST];

export const isIndexType = (mediaType: string): boolean => mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
export const isManifestType = (mediaType: string): boolean =>
  mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST;

/** Layers that are not to be pushed: who may have them has them from where their descriptor says (image-spec, layer.md). */
export const isForeignLayer = ({ mediaType, urls = [] }: Pick<Descriptor, 'mediaType' | 'urls'>): boolean =>
  urls.length > 0 && /\.nondistributable\.|\.foreign\./.test(mediaType);
