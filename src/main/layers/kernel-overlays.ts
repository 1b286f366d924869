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

/** An overlay mount of the kernel's. */
export interface KernelOverlay {
  /** As its own mount namespace sees it. */
  readonly mountpoint: ByteString;
  /** Its upper, where it has one, as a path that we can use. */
  readonly upper: ByteString | null;
  /** Its lowers and data-only layers, the topmost first, as paths that we can use. */
  readonly layers: readonly ByteString[];
}

/** All overlay mounts that we can see, in any namespace; one that is in several is there once for each. */
export function kernelOverlays(): KernelOverlay[] {
  return namespaces().flatMap((pid) =>
    mountsOf(pid)
      .filter(({ type }) => type === 'overlay')
      .map((line) => {
        const here = (path: ByteString): ByteString => (pid === 'self' ? path : `/proc/${pid}/root${path}`);
        const absolute = (path: ByteString): ByteString => here(fromMountpoint(path, line.mountpoint));
        const [upper] = writableDirectories(line);
        return {
          mountpoint: line.mountpoint,
          upper: upper === undefined ? null : absolute(upper),
          layers: layerDirectories(line).map(absolute),
        };
      }),
  );
}

/**
 * Engines give relative paths where absolute ones would not fit into a page: relative to the folder of their layers,
 * which has the mount point in `ID/merged`.
 */
const fromMountpoint = (path: ByteString, mountpoint: ByteString): ByteString =>
  path.startsWith('/') ? path : `${mountpoint.split('/').slice(0, -2).join('/')}/${path}`;

/** The lowers and data-only layers of a line of the mount table, as they were given (semantics 5.3, 5.5). */
export function layerDirectories({ options }: Pick<MountinfoLine, 'options'>): ByteString[] {
  return options.split(',').flatMap((option) => {
    const [, key, value = ''] = /^(lowerdir\+?|datadir\+)=(.*)$/s.exec(option) ?? [];
    if (key === undefined) return [];
    const text = unescapeField(value);
    // Layers that were added one by one have no escapes of overlayfs's own.
    if (key !== 'lowerdir') return [text];
    return (text.match(/(?:\\[^]|[^\\:])+/g) ?? []).map((path) => path.replace(/\\([^])/g, '$1'));
  });
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
