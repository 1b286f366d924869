// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { changeMode } from '../system/attributes';
import { closeFile, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, openAt, readDirectory } from '../system/files';
import { ERRNO, must, SystemError } from '../system/libc';
import { removeDirectoryAt, unlinkAt } from '../system/names';
import { isDirectory, statAt, statFd, type Stat } from '../system/stat';

/** An object about to be removed, or counted: its name in an open directory, and its path for messages. */
export interface TreeObject {
  readonly dirfd: number;
  readonly name: ByteString;
  readonly path: ByteString;
  readonly stat: Stat;
}

type Use = (object: TreeObject) => void;

/** Removes an object that is no directory. */
export const removeObject: Use = ({ dirfd, name, path }) => void must(unlinkAt(dirfd, name), 'unlink', path);

/**
 * Removes an object of a layer and, of a directory, all that is in it. No symlink is followed and no mount entered.
 * @param path   for messages
 * @param remove removes what is no directory
 * @throws SystemError EXDEV where something is mounted inside, or the error of the file system
 */
export function removeTree(dirfd: number, name: ByteString, path: ByteString, remove: Use = removeObject): void {
  const stat = statAt(dirfd, name);
  if (stat === -ERRNO.ENOENT) return;
  if (typeof stat === 'number') throw new SystemError(-stat, 'stat', path);
  if (!isDirectory(stat.mode)) return remove({ dirfd, name, path, stat });
  refuseMount(dirfd, stat, path);
  emptyDirectory(dirfd, name, path, remove);
  must(removeDirectoryAt(dirfd, name), 'rmdir', path);
}

/** As `removeTree`, for what may as well stay until the next mount. Returns 0 or the negative errno. */
export function tryRemoveTree(dirfd: number, name: ByteString): number {
  try {
    removeTree(dirfd, name, name);
    return 0;
  } catch (error) {
    if (error instanceof SystemError) return -error.errno;
    throw error;
  }
}

/** Removes all that is in a directory, which stays. Throws as `removeTree`. */
export function emptyDirectory(dirfd: number, name: ByteString, path: ByteString, remove: Use = removeObject): void {
  const fd = must(openOwned(dirfd, name), 'open', path);
  eachIn(fd, path, (child) => removeTree(child.dirfd, child.name, child.path, remove));
}

/** Visits an object and all that is in it, a directory before its content. Throws as `removeTree`. */
export function visitTree(dirfd: number, name: ByteString, path: ByteString, visit: Use): void {
  const stat = statAt(dirfd, name);
  if (typeof stat === 'number') return;
  visit({ dirfd, name, path, stat });
  if (!isDirectory(stat.mode)) return;
  refuseMount(dirfd, stat, path);
  eachIn(must(openDirectory(dirfd, name), 'open', path), path, (child) =>
    visitTree(child.dirfd, child.name, child.path, visit),
  );
}

/**
 * Opens a directory in which something is to be removed. The kernel gives those of a workdir the mode 0000, which keeps
 * out their owner as well: the mode is then changed. Returns the descriptor, or the negative errno.
 */
export function openOwned(dirfd: number, name: ByteString): number {
  const fd = openDirectory(dirfd, name);
  if (fd !== -ERRNO.EACCES || changeMode({ fd: dirfd, name }, 0o700) !== 0) return fd;
  return openDirectory(dirfd, name);
}

const openDirectory = (dirfd: number, name: ByteString): number =>
  openAt(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

/** Uses the names of an open directory, and closes it. */
function eachIn(fd: number, path: ByteString, use: (child: Omit<TreeObject, 'stat'>) => void): void {
  try {
    for (const { name } of readDirectory(fd, path)) {
      if (name !== '.' && name !== '..') use({ dirfd: fd, name, path: `${path}/${name}` });
    }
  } finally {
    closeFile(fd);
  }
}

/** What is mounted inside a layer is not the layer's. */
function refuseMount(dirfd: number, { devMajor, devMinor }: Stat, path: ByteString): void {
  const home = statFd(dirfd, path);
  if (devMajor !== home.devMajor || devMinor !== home.devMinor) throw new SystemError(ERRNO.EXDEV, 'open', path);
}
