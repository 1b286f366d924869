// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { TarEntry } from '../tar/entry';

/*
 * Owners, modes and types that an ordinary user cannot give to files, kept in an attribute of theirs: the convention of
 * containers/storage (its `force_mask`) and fuse-overlayfs (semantics 8.2). The attribute's owner is the user.
 */
export const OVERRIDE_PREFIX = 'user.containers.override_';
export const OVERRIDE_STAT = `${OVERRIDE_PREFIX}stat`;

/** Mode that every recorded file and directory really has: of its user alone, like containers/storage's "private". */
export const RECORDED_MODE = 0o700;

/** `UID:GID:MODE:TYPE` of an entry. */
export function ownerRecord({ uid, gid, mode, kind, major, minor }: TarEntry): ByteString {
  return `${uid}:${gid}:${mode.toString(8).padStart(4, '0')}:${typeOf(kind, major, minor)}`;
}

/** … of a directory that only the names of others told. */
export const IMPLIED_RECORD: ByteString = '0:0:0755:dir';

function typeOf(kind: TarEntry['kind'], major: number, minor: number): string {
  switch (kind) {
    case 'directory':
      return 'dir';
    case 'symlink':
      return 'symlink';
    case 'fifo':
      return 'pipe';
    case 'character':
      return `char-${major}-${minor}`;
    case 'block':
      return `block-${major}-${minor}`;
    default:
      return 'file';
  }
}
