// SPDX-License-Identifier: MIT
import type { Composition } from '@shared/composition';
import type { MountInfo } from '@shared/contract';
import { parseMountOptions } from '../commands/parse-options';

/** The stack that a live mount serves, read back from its option text. */
export function compositionOf(mount: Pick<MountInfo, 'id' | 'name' | 'mountpoint' | 'options'>): Composition {
  const { upper, lowers, data, options } = parseMountOptions(mount.options, '/');
  return { id: mount.id, name: mount.name, upper, lowers, data, options, mountpoint: mount.mountpoint };
}
