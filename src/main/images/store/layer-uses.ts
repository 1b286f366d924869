// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { kernelOverlays } from '../../layers/kernel-overlays';
import { SystemError } from '../../system/libc';
import { statPath } from '../../system/stat';
import type { LayerUse } from './garbage';

/** Which of some folders stand in an overlay mount of the kernel's, in any mount namespace that we can see. */
export function kernelUses(folders: readonly ByteString[]): LayerUse[] {
  const byInode = new Map<string, ByteString>();
  for (const folder of folders) {
    const key = inodeOf(folder);
    if (key !== null) byInode.set(key, folder);
  }
  return kernelOverlays().flatMap(({ mountpoint, layers }) =>
    layers.flatMap((path) => {
      const key = inodeOf(path);
      const folder = key === null ? undefined : byInode.get(key);
      return folder === undefined ? [] : [{ folder, by: mountpoint }];
    }),
  );
}

function inodeOf(path: ByteString): string | null {
  try {
    const { devMajor, devMinor, inoHigh, inoLow } = statPath(path);
    return `${devMajor}:${devMinor}:${inoHigh}:${inoLow}`;
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}
