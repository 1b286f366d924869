// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Image } from '@shared/images';
import { kernelOverlays, type KernelOverlay } from '../../layers/kernel-overlays';
import { inodeKeyAt } from '../../overlay/inode-key';
import { digestOf } from '../checked-bytes';
import { OCI_LAYER } from '../media-types';
import { hostPlatform } from '../platforms';

/**
 * The overlay mounts that run on this machine, containers' above all, in any mount namespace that we can see. One that is
 * in several namespaces is there once. Those whose layers cannot be reached are passed over.
 */
export function mountedStacks(): KernelOverlay[] {
  const found = new Map<string, KernelOverlay>();
  for (const { mountpoint, upper, layers } of kernelOverlays()) {
    const [reached, own] = [layers.map(reach), upper === null ? null : reach(upper)];
    if (reached.includes(null) || (upper !== null && own === null) || layers.length === 0) continue;
    const stack = { mountpoint, upper: own, layers: reached as ByteString[] };
    const key = JSON.stringify([stack.upper, stack.layers]);
    if (!found.has(key)) found.set(key, stack);
  }
  return [...found.values()];
}

/** A directory under its plain path, where that leads to it too: a way through /proc ends with its process. */
function reach(path: ByteString): ByteString | null {
  const identity = inodeKeyAt(path);
  if (identity === null) return null;
  const plain = path.replace(/^\/proc\/\d+\/root(?=\/)/, '');
  return inodeKeyAt(plain) === identity ? plain : path;
}

/**
 * A mount as the Library shows it: its lowers, and its upper on top, as layers. They have no tars, so that their digests
 * only tell them apart: they are those of their paths.
 */
export function mountAsImage({ mountpoint, upper, layers }: KernelOverlay): Image {
  const folders = [...(upper === null ? [] : [upper]), ...layers].reverse();
  const nameOf = (path: ByteString): string => digestOf(Buffer.from(path, 'latin1'));
  const id = nameOf(`${mountpoint}\0${folders.join('\0')}`);
  return {
    ...{ id, digest: id, references: [], platform: hostPlatform(), created: null },
    layers: folders.map((folder) => ({
      ...{ diffId: nameOf(folder), digest: null, mediaType: OCI_LAYER, blobBytes: 0, tarBytes: null, diskBytes: null },
      ...{ entries: null, folder, keeper: 'mount', createdBy: folder === upper ? 'upper' : '', sharedBy: 1 },
    })),
    config: {
      ...{ entrypoint: [], command: [], environment: [], workingDirectory: '', user: '', labels: {} },
      ...{ exposedPorts: [], volumes: [], author: '' },
    },
    ...{ diskBytes: 0, sharedBytes: 0, source: mountpoint },
  };
}
