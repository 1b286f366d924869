// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';

/** A line of /proc/self/mountinfo (proc(5)). */
export interface MountinfoLine {
  readonly mountpoint: ByteString;
  readonly type: string;
  readonly source: ByteString;
  readonly options: ByteString;
}

/** Undoes the octal escapes of a field, or of one option of it. */
export const unescapeField = (text: string): ByteString =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

/** All mounts of a process's namespace, our own by default, in the order in which they were made. */
export function readMountinfo(file = '/proc/self/mountinfo'): MountinfoLine[] {
  return readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [front = '', back = ''] = line.split(' - ', 2);
      const fields = front.split(' ');
      const [type = '', source = '', superOptions = ''] = back.split(' ');
      return {
        mountpoint: unescapeField(fields[4] ?? ''),
        type,
        source: unescapeField(source),
        options: superOptions,
      };
    });
}

/** The mount that `path` (absolute, without symlinks) is on. */
export function mountOf(path: ByteString, mounts: readonly MountinfoLine[] = readMountinfo()): MountinfoLine | null {
  let best: MountinfoLine | null = null;
  for (const mount of mounts) {
    const { mountpoint } = mount;
    const inside = mountpoint === '/' || path === mountpoint || path.startsWith(`${mountpoint}/`);
    // Of equal ones the later mount covers the earlier.
    if (inside && (!best || mountpoint.length >= best.mountpoint.length)) best = mount;
  }
  return best;
}
