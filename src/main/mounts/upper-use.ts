// SPDX-License-Identifier: MIT
import { readdirSync, readlinkSync } from 'node:fs';
import { display, type ByteString } from '@shared/bytes';
import type { MountInfo } from '@shared/contract';
import { Failure } from '@shared/failure';
import { SystemError } from '../system/libc';
import { readMountinfo, unescapeField, type MountinfoLine } from '../system/mountinfo';
import { statPath, type Stat } from '../system/stat';
import { compositionOf } from './composition-of';
import { listMounts } from './list';

function statOf(path: ByteString): Stat | null {
  try {
    return statPath(path);
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}

const isSameInode = (a: Stat | null, b: Stat | null): boolean =>
  a !== null &&
  b !== null &&
  a.inoLow === b.inoLow &&
  a.inoHigh === b.inoHigh &&
  a.devMajor === b.devMajor &&
  a.devMinor === b.devMinor;

/** The upperdir of a mount of the kernel's overlay, as it was given (semantics 5.5); null where there is none. */
export function upperdirOf({ type, options }: MountinfoLine): ByteString | null {
  if (type !== 'overlay') return null;
  const given = options.split(',').find((option) => option.startsWith('upperdir='));
  return given === undefined ? null : unescapeField(given.slice('upperdir='.length)).replace(/\\(.)/gs, '$1');
}

/** A process of each mount namespace that we may look into, ourselves first. */
function namespaces(): string[] {
  const seen = new Map<string, string>();
  for (const pid of ['self', ...readdirSync('/proc').filter((name) => /^\d+$/.test(name))]) {
    try {
      const namespace = readlinkSync(`/proc/${pid}/ns/mnt`);
      if (!seen.has(namespace)) seen.set(namespace, pid);
    } catch {
      // Another user's, or it has ended.
    }
  }
  return [...seen.values()];
}

/**
 * The mount point of a kernel overlay that writes to this upper, in any namespace that we can see: a container has its
 * own. Null where there is none.
 */
export function kernelMountOn(upper: ByteString): ByteString | null {
  const wanted = statOf(upper);
  for (const pid of namespaces()) {
    for (const line of mountsOf(pid)) {
      const given = upperdirOf(line);
      if (given === null || !given.startsWith('/')) continue;
      if (isSameInode(wanted, statOf(pid === 'self' ? given : `/proc/${pid}/root${given}`))) return line.mountpoint;
    }
  }
  return null;
}

function mountsOf(pid: string): MountinfoLine[] {
  try {
    return readMountinfo(`/proc/${pid}/mountinfo`);
  } catch {
    return [];
  }
}

/** The live mount of Lamina's that has this upper, or null. */
export async function laminaMountOn(upper: ByteString): Promise<MountInfo | null> {
  const wanted = statOf(upper);
  const found = (await listMounts()).find((mount) => {
    const { upper: theirs } = compositionOf(mount);
    return theirs !== null && isSameInode(wanted, statOf(theirs.path));
  });
  return found ?? null;
}

/** @throws Failure EBUSY where a mount of the kernel's writes to the upper: it would not see what is taken away */
export function refuseKernelMount(upper: ByteString): void {
  const mountpoint = kernelMountOn(upper);
  if (mountpoint === null) return;
  throw new Failure(
    'EBUSY',
    `The kernel has an overlay on ${display(mountpoint)} that writes to ${display(upper)} (EBUSY).`,
    `Unmount it first: umount ${display(mountpoint)}.`,
  );
}

/** @throws Failure EBUSY where anything is mounted on the upper */
export async function refuseAnyMount(upper: ByteString): Promise<void> {
  refuseKernelMount(upper);
  const mount = await laminaMountOn(upper);
  if (!mount) return;
  throw new Failure(
    'EBUSY',
    `The mount on ${mount.display} has the upper ${display(upper)} (EBUSY).`,
    `Unmount it first: lamina umount ${mount.display}.`,
  );
}
