// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { ManifestFormat } from '../manifest-format';
import { parseImageName, withDefaultTag, type ImageName } from '../image-name';
import { printReference, type Reference } from '../references';
import { RegistryDestination } from '../registry/registry-destination';
import type { RegistrySettings } from '../registry/settings';
import type { ImageDestination } from '../source';
import { DockerArchive } from './docker-archive';
import { OciArchive } from './oci-archive';
import { OciFolder } from './oci-folder';

export interface DestinationSettings extends RegistrySettings {
  /** Full names of images that a registry may have already: their blobs need not be sent again. */
  readonly mountFrom?: readonly string[];
}

/**
 * Opens where an image is to go.
 * @param names full names of the image, for archives that hold them
 * @throws Failure `invalid-reference` for what only gives images, and where there is something else already
 */
export async function openDestination(
  reference: Reference,
  names: readonly string[],
  settings: DestinationSettings = {},
): Promise<ImageDestination> {
  switch (reference.transport) {
    case 'oci':
      return OciFolder.open(reference.path, reference.tag);
    case 'oci-archive':
      return OciArchive.make(reference.path, reference.tag);
    case 'docker-archive':
      return DockerArchive.make(reference.path, namesFor(reference.tag, names));
    case 'docker':
      return new RegistryDestination(reference.name, {
        ...settings,
        mountFrom: repositoriesOf(reference.name, settings),
      });
    default:
      throw new Failure(
        'invalid-reference',
        `An image cannot be brought to ${display(printReference(reference))}.`,
        'Write oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME] or docker://HOST/REPOSITORY[:TAG].',
      );
  }
}

/**
 * The only form of manifests that a destination takes: of OCI layouts by the specification, and skopeo reads no other.
 * Null where it takes any.
 */
export const formatOf = ({ transport }: Reference): ManifestFormat | null =>
  transport === 'oci' || transport === 'oci-archive' ? 'oci' : null;

const namesFor = (tag: string | null, names: readonly string[]): ImageName[] =>
  (tag === null ? names : [tag]).map((name) => withDefaultTag({ ...parseImageName(name), digest: null }));

/** Of the same registry as the destination, each once. */
function repositoriesOf({ domain }: ImageName, { mountFrom = [] }: DestinationSettings): string[] {
  const found = mountFrom.map(parseImageName).filter((name) => name.domain === domain);
  return [...new Set(found.map(({ path }) => path))];
}
