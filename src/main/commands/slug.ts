// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';

/** A composition's name as a file name: `Debian 12 + tools` becomes `debian-12-tools`. */
export function slugOf(name: string): string {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .match(/[a-z0-9]+/g);
  return words?.join('-').slice(0, 60).replace(/-$/, '') || 'overlay';
}

/** Where the rendered commands mount: the composition's mount point, or a name under `/mnt` while none is chosen. */
export function mountpointOf({ mountpoint, name }: Composition): ByteString {
  return mountpoint ?? `/mnt/${slugOf(name)}`;
}
