// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { detach } from '../fuse/attach';
import { readMountinfo } from '../system/mountinfo';

/** Unmounts a mount of ours that has no record any more. Throws a Failure where there is none or it is busy. */
export function unmountPath(mountpoint: ByteString, lazy: boolean): void {
  const path = display(mountpoint);
  if (!readMountinfo().some((mount) => mount.mountpoint === mountpoint && mount.type === 'fuse.lamina')) {
    throw new Failure(
      'EINVAL',
      `${path} is not a mount of Lamina's.`,
      'lamina mounts lists those of this user; others take umount(8).',
    );
  }
  const reason = detach(mountpoint, lazy);
  if (reason !== null)
    throw new Failure(
      reason,
      `${path} cannot be unmounted (${reason}).`,
      `Close what uses it, or detach it: lamina umount --lazy ${path}.`,
    );
}
