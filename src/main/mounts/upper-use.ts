// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { MountInfo } from '@shared/contract';
import { Failure } from '@shared/failure';
import { isAt, kernelOverlayOn } from '../layers/kernel-overlays';
import { cannotOpen } from '../layers/layer';
import { lockUpper } from '../overlay/upper-lock';
import { closeFile, O_DIRECTORY, O_PATH, openAt } from '../system/files';
import { AT_FDCWD } from '../system/libc';
import { statPath } from '../system/stat';
import { compositionOf } from './composition-of';
import { listMounts } from './list';

/** The live mount of Lamina's that has this upper, or null. Throws a SystemError where the upper is not there. */
export async function laminaMountOn(upper: ByteString): Promise<MountInfo | null> {
  const stat = statPath(upper);
  const found = (await listMounts()).find((mount) => {
    const theirs = compositionOf(mount).upper;
    return theirs !== null && isAt(stat, theirs.path);
  });
  return found ?? null;
}

/** @throws Failure EBUSY where a mount of the kernel's writes to the upper: it would not see what is taken away */
export function refuseKernelMount(upper: ByteString): void {
  const mountpoint = kernelOverlayOn(statPath(upper));
  if (mountpoint === null) return;
  throw new Failure(
    'EBUSY',
    `The kernel has an overlay on ${display(mountpoint)} that writes to ${display(upper)} (EBUSY).`,
    `Unmount it first: umount ${display(mountpoint)}.`,
  );
}

/**
 * Does something to an upper that nobody has mounted, and keeps it from being mounted meanwhile.
 * @throws Failure EBUSY where it is in use
 */
export async function withIdleUpper(upper: ByteString, use: () => void): Promise<void> {
  refuseKernelMount(upper);
  const mount = await laminaMountOn(upper);
  if (mount) {
    throw new Failure(
      'EBUSY',
      `The mount on ${mount.display} has the upper ${display(upper)} (EBUSY).`,
      `Unmount it first: lamina umount ${mount.display}.`,
    );
  }
  const fd = openAt(AT_FDCWD, upper, O_PATH | O_DIRECTORY);
  if (fd < 0) throw cannotOpen(upper, -fd);
  try {
    const lock = lockUpper(fd, upper, 'upper');
    try {
      use();
    } finally {
      closeFile(lock);
    }
  } finally {
    closeFile(fd);
  }
}
