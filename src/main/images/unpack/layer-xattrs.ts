// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ACL_DEFAULT } from '../../overlay/posix-acl';
import { storedName, type OverlayXattrs } from '../../overlay/xattr-names';
import type { TarEntry } from '../tar/entry';
import { OVERRIDE_PREFIX } from './owner-record';

/** Attributes of an entry under the names that they get on disk. */
export interface LayerXattrs {
  readonly now: readonly (readonly [ByteString, ByteString])[];
  /** A directory's default ACL: what is made in it later would inherit it. */
  readonly defaultAcl: ByteString | null;
}

const NONE: LayerXattrs = { now: [], defaultAcl: null };

/** A label of the machine's policy, not of the image: containers/storage leaves it out too. */
const LABEL = 'security.selinux';

/**
 * Which attributes are set, and how they are called on disk.
 *
 * What an image calls `trusted.overlay.X` would be an order to the kernel: a redirect, a metacopy, an opaque directory
 * that no whiteout of the image tells of. It is stored as `trusted.overlay.overlay.X`, which the kernel (6.7) and Lamina
 * show as `trusted.overlay.X` in the mount: just what the image says, and without effect. The same for `user.overlay.X`
 * where that is the namespace in use; in the other one it is data.
 *
 * Without full root there is no `trusted.*`, and nobody who could see it: it stays in the tar-split record alone.
 * With recorded owners ACLs and `security.*` go into attributes of the user's own, as fuse-overlayfs does, and an image
 * cannot set those itself.
 */
export function layerXattrs({ xattrs, kind }: TarEntry, names: OverlayXattrs, recorded: boolean): LayerXattrs {
  if (xattrs.size === 0) return NONE;
  const now: (readonly [ByteString, ByteString])[] = [];
  let defaultAcl: ByteString | null = null;
  for (const [name, value] of xattrs) {
    if (name === LABEL || (name.startsWith('trusted.') && names.prefix.startsWith('user.'))) continue;
    if (name.startsWith('user.')) {
      if (!recorded || !name.startsWith(OVERRIDE_PREFIX)) now.push([storedName(name, names), value]);
    } else if (recorded) {
      // A symlink takes no attributes of users.
      if (kind !== 'symlink') now.push([OVERRIDE_PREFIX + name, value]);
    } else if (name === ACL_DEFAULT) defaultAcl = value;
    else now.push([storedName(name, names), value]);
  }
  return { now, defaultAcl };
}
