// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { Lane } from '@shared/composition';
import { Failure } from '@shared/failure';
import { closeFile, O_DIRECTORY, O_PATH, openAt } from '../system/files';
import { AT_FDCWD, ERRNO, errnoName } from '../system/libc';
import { clonePrivateMount } from '../system/mount';
import { statFd, type Stat } from '../system/stat';
import { RealDirectory } from './real-directory';

/** An open layer: a directory tree at its place in the stack. */
export interface Layer {
  /** Position in the stack, 0 the topmost; counts the upper, lowers and data-only layers. */
  readonly index: number;
  readonly lane: Lane;
  readonly path: ByteString;
  readonly root: RealDirectory;
  readonly rootStat: Stat;
  /**
   * A directory with `overlay.opaque=x` was met in it: readdir then looks for xattr whiteouts (semantics 1.3). The
   * kernel keeps this per layer too, and sets it as late.
   */
  xattrWhiteouts: boolean;
}

/**
 * Opens a directory as a layer. With CAP_SYS_ADMIN through a private copy of its mount, as the kernel does; else
 * directly, and what is mounted inside the layer is then seen.
 * @throws Failure that names the path and the way out
 */
export function openLayer(path: ByteString, index: number, lane: Lane): Layer {
  let fd = clonePrivateMount(path);
  if (fd === -ERRNO.EPERM || fd === -ERRNO.ENOSYS || fd === -ERRNO.EINVAL) {
    fd = openAt(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  }
  if (fd < 0) throw cannotOpen(path, -fd);
  return layerOn(fd, path, index, lane);
}

/** The layer whose root an O_PATH descriptor is open on; closes it where it cannot be one. */
export function layerOn(fd: number, path: ByteString, index: number, lane: Lane): Layer {
  const rootStat = statFd(fd, path);
  if ((rootStat.mode & 0o170000) !== 0o040000) {
    closeFile(fd);
    throw cannotOpen(path, ERRNO.ENOTDIR);
  }
  // Listing it would fail at the first look; the kernel's mounter may read every layer.
  const readable = openAt(fd, '.', O_DIRECTORY);
  if (readable < 0) {
    closeFile(fd);
    throw cannotOpen(path, -readable);
  }
  closeFile(readable);
  const layer = { index, lane, path, rootStat, xattrWhiteouts: false } as Omit<Layer, 'root'> & { root: RealDirectory };
  layer.root = new RealDirectory(layer, null, '.');
  layer.root.fd = fd;
  return layer;
}

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path, or remove the layer from the stack.',
  ENOTDIR: 'A layer is a directory: unpack an archive or mount an image first.',
  EACCES:
    'Give yourself permission to read it and to search every directory above it, or run Lamina as a user who has it.',
};

export function cannotOpen(path: ByteString, errno: number): Failure {
  const code = errnoName(errno);
  const reason = code === 'ENOTDIR' ? 'is not a directory' : code === 'ENOENT' ? 'does not exist' : `cannot be opened`;
  return new Failure(
    code,
    `Layer ${display(path)} ${reason} (${code}).`,
    HINTS[code] ?? 'Check that it can be listed: ls -ld on it and on the directories above it.',
  );
}
