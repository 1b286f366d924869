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
export async function withIdleUpper(upper: ByteString, use: () => unknown): Promise<void> {
  refuseKernelMount(upper);
  const mount = await laminaMountOn(upper);
  if (mount) throw isMounted(upper, mount, '.');
  await withLock(upper, use);
}

/**
 * Reads an upper. Where nobody has it mounted, it is kept from being mounted meanwhile. One that a mount writes is in
 * motion: files may be copied up or written while they are read, so that what is read is no state that ever was. Lamina's
 * own mounts are a command away from being unmounted, so that this must be asked for. Mounts of the kernel's may be of a
 * container that cannot be stopped; engines commit those too, and it is only said.
 * @param live whether a mount of Lamina's is read all the same
 * @throws Failure EBUSY where Lamina has it mounted and `live` is not set
 */
export async function withReadableUpper(
  upper: ByteString,
  live: boolean,
  note: (text: string) => void,
  use: () => Promise<void>,
): Promise<void> {
  const mount = await laminaMountOn(upper);
  if (mount && !live) throw isMounted(upper, mount, ', or add --live to read it as it is.');
  const mountpoint = mount ? mount.mountpoint : kernelOverlayOn(statPath(upper));
  if (mountpoint === null) return withLock(upper, use);
  note(`note: ${display(mountpoint)} is mounted and may change ${display(upper)} while it is read`);
  await use();
}

const isMounted = (upper: ByteString, { display: mountpoint }: MountInfo, or: string): Failure =>
  new Failure(
    'EBUSY',
    `The mount on ${mountpoint} has the upper ${display(upper)} (EBUSY).`,
    `Unmount it first: lamina umount ${mountpoint}${or}`,
  );

async function withLock(upper: ByteString, use: () => unknown): Promise<void> {
  const fd = openAt(AT_FDCWD, upper, O_PATH | O_DIRECTORY);
  if (fd < 0) throw cannotOpen(upper, -fd);
  try {
    const lock = lockUpper(fd, upper, 'upper');
    try {
      await use();
    } finally {
      closeFile(lock);
    }
  } finally {
    closeFile(fd);
  }
}
