// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { closeFile, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, openAt, readDirectory } from '../system/files';
import { ERRNO } from '../system/libc';
import { removeDirectoryAt, unlinkAt } from '../system/names';

/** Removes everything inside an open directory, no symlink followed. Returns 0 or the negative errno of the first failure. */
export function emptyDirectory(dirfd: number): number {
  let result = 0;
  for (const { name } of readDirectory(dirfd, '')) {
    if (name === '.' || name === '..') continue;
    const removed = removeTree(dirfd, name);
    if (removed < 0 && result === 0) result = removed;
  }
  return result;
}

/** Removes a name and all below it. Returns 0 or the negative errno; a missing name is removed already. */
export function removeTree(dirfd: number, name: ByteString): number {
  const unlinked = unlinkAt(dirfd, name);
  if (unlinked === 0 || unlinked === -ERRNO.ENOENT) return 0;
  if (unlinked !== -ERRNO.EISDIR && unlinked !== -ERRNO.EPERM) return unlinked;
  if (removeDirectoryAt(dirfd, name) === 0) return 0;
  const fd = openAt(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) return fd === -ERRNO.ENOTDIR ? unlinked : fd;
  const emptied = emptyDirectory(fd);
  closeFile(fd);
  return emptied < 0 ? emptied : removeDirectoryAt(dirfd, name);
}
