// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import { LAYER_MEDIA_TYPE } from './layer-format';
import { DOCKER_CONFIG, DOCKER_MANIFEST, OCI_CONFIG, OCI_MANIFEST } from './media-types';
import type { Descriptor } from './source';

/** Whose media types a manifest has. The configurations and layers are the same bytes in both. */
export type ManifestFormat = 'oci' | 'docker';

const NAMES: Readonly<Record<ManifestFormat, Readonly<Record<string, string>>>> = {
  oci: {
    'application/vnd.docker.image.rootfs.diff.tar': LAYER_MEDIA_TYPE.tar,
    'application/vnd.docker.image.rootfs.diff.tar.gzip': LAYER_MEDIA_TYPE.gzip,
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip':
      'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    [DOCKER_CONFIG]: OCI_CONFIG,
  },
  docker: {
    [LAYER_MEDIA_TYPE.tar]: 'application/vnd.docker.image.rootfs.diff.tar',
    [LAYER_MEDIA_TYPE.gzip]: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip':
      'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    [OCI_CONFIG]: DOCKER_CONFIG,
  },
};

export const manifestTypeOf = (format: ManifestFormat): string => (format === 'oci' ? OCI_MANIFEST : DOCKER_MANIFEST);

/**
 * A descriptor with the media type that the other format has for the same bytes.
 * @throws Failure EOPNOTSUPP for what Docker's format has no name for: layers packed with zstd
 */
export function inFormat(descriptor: Descriptor, format: ManifestFormat): Descriptor {
  const { mediaType } = descriptor;
  const isForeign = format === 'docker' && mediaType.endsWith('+zstd');
  if (isForeign) {
    throw new Failure(
      'EOPNOTSUPP',
      `Docker's manifests have no media type for ${mediaType} (EOPNOTSUPP).`,
      'Write it as an OCI image, or pack its layers with gzip.',
    );
  }
  return { ...descriptor, mediaType: NAMES[format][mediaType] ?? mediaType };
}
