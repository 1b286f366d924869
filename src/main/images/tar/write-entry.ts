// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';

/** What an entry of a tar is. A whiteout of an image layer is an empty file with a name of its own. */
export type WrittenType = 'file' | 'link' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo';

/** One entry of a tar that is written. */
export interface WrittenEntry {
  /** Without a slash before or after it: `usr/bin`; `.` for the root of the tree. */
  readonly path: ByteString;
  readonly type: WrittenType;
  /** Permissions, set-id and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch, and the nanoseconds of each. */
  readonly mtime: number;
  readonly mtimeNs: number;
  /** Bytes of a regular file; 0 of everything else. */
  readonly size: number;
  /** Of a symbolic link where it leads, of a hard link the path of the entry that it is another name of. */
  readonly target: ByteString;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: readonly (readonly [name: ByteString, value: ByteString])[];
}

/** An empty file of which only its name says something: a whiteout, what stands in the header of a PAX header. */
export const nameAlone = (path: ByteString): WrittenEntry => ({
  path,
  type: 'file',
  mode: 0,
  uid: 0,
  gid: 0,
  mtime: 0,
  mtimeNs: 0,
  size: 0,
  target: '',
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: [],
});
