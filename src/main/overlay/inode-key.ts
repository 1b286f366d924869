// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { SystemError } from '../system/libc';
import { statPath, type Stat } from '../system/stat';

/** Identifies an inode on this machine. */
export const inodeKey = (stat: Stat): string => `${stat.devMajor}:${stat.devMinor}:${stat.inoHigh}:${stat.inoLow}`;

/** The inode that a path leads to; null where it leads to none. */
export function inodeKeyAt(path: ByteString): string | null {
  try {
    return inodeKey(statPath(path));
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}
