// SPDX-License-Identifier: MIT
import type { Composition } from '@shared/composition';
import type { MountInfo } from '@shared/contract';
import { Failure } from '@shared/failure';
import type { WhiteoutForm } from '@shared/lamina-options';
import { parseMountOptions } from '../commands/parse-options';

/**
 * Changes are read and taken back where the upper speaks the kernel's own format.
 * @throws Failure EOPNOTSUPP for a stack whose upper has whiteouts of image layers (`.wh.NAME`)
 */
export function refuseOciWhiteouts(whiteouts: WhiteoutForm): void {
  if (whiteouts === 'kernel') return;
  throw new Failure(
    'EOPNOTSUPP',
    'The upper of this stack has whiteouts of image layers (whiteouts=oci), which only the mount and the browser read.',
    'Its client knows what it changed: podman diff, buildah commit.',
  );
}

/** The form of whiteouts of a live mount. */
export const whiteoutsOf = ({ options }: Pick<MountInfo, 'options'>): WhiteoutForm =>
  parseMountOptions(options, '/').unknown.includes('whiteouts=oci') ? 'oci' : 'kernel';

/** The stack that a live mount serves, read back from its option text. */
export function compositionOf(mount: Pick<MountInfo, 'id' | 'name' | 'mountpoint' | 'options'>): Composition {
  const { upper, lowers, data, options } = parseMountOptions(mount.options, '/');
  return { id: mount.id, name: mount.name, upper, lowers, data, options, mountpoint: mount.mountpoint };
}
