// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { kernelOverlays } from '../../layers/kernel-overlays';
import { inodeKeyAt } from '../../overlay/inode-key';
import type { LayerUse } from './garbage';

/** Which of some folders stand in an overlay mount of the kernel's, in any mount namespace that we can see. */
export function kernelUses(folders: readonly ByteString[]): LayerUse[] {
  const byInode = new Map<string, ByteString>();
  for (const folder of folders) {
    const key = inodeKeyAt(folder);
    if (key !== null) byInode.set(key, folder);
  }
  return kernelOverlays().flatMap(({ mountpoint, layers }) =>
    layers.flatMap((path) => {
      const key = inodeKeyAt(path);
      const folder = key === null ? undefined : byInode.get(key);
      return folder === undefined ? [] : [{ folder, by: mountpoint }];
    }),
  );
}
