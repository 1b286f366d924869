// SPDX-License-Identifier: MIT
import { readdirSync, readlinkSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import { SystemError } from '../system/libc';
import { readMountinfo, unescapeField, type MountinfoLine } from '../system/mountinfo';
import { statPath, type Stat } from '../system/stat';

/**
 * Directories that a mount of the kernel's overlay writes to, as they were given: octal escapes of the mount table, then
 * overlayfs's own backslashes (semantics 5.5).
 */
export function writableDirectories({ type, options }: Pick<MountinfoLine, 'type' | 'options'>): ByteString[] {
  if (type !== 'overlay') return [];
  return options
    .split(',')
    .filter((option) => option.startsWith('upperdir=') || option.startsWith('workdir='))
    .map((option) => unescapeField(option.slice(option.indexOf('=') + 1)).replace(/\\(.)/gs, '$1'));
}

/** A process of each mount namespace that we may look into, ourselves first: a container has its own. */
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

function mountsOf(pid: string): MountinfoLine[] {
  try {
    return readMountinfo(`/proc/${pid}/mountinfo`);
  } catch {
    return [];
  }
}

/**
 * The mount point of a kernel overlay that has the directory as its upperdir or workdir, in any namespace that we can
 * see. Null where there is none; of relative paths it cannot be told.
 */
export function kernelOverlayOn(directory: Stat): ByteString | null {
  for (const pid of namespaces()) {
    for (const line of mountsOf(pid)) {
      for (const path of writableDirectories(line)) {
        if (path.startsWith('/') && isAt(directory, pid === 'self' ? path : `/proc/${pid}/root${path}`))
          return line.mountpoint;
      }
    }
  }
  return null;
}

/** Whether a path leads to the directory. */
export function isAt(directory: Stat, path: ByteString): boolean {
  try {
    return isSameInode(directory, statPath(path));
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}

const isSameInode = (a: Stat, b: Stat): boolean =>
  a.inoLow === b.inoLow && a.inoHigh === b.inoHigh && a.devMajor === b.devMajor && a.devMinor === b.devMinor;
