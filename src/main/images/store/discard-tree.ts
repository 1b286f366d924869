// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { removeTree } from '../../layers/remove-tree';
import { closeFile, O_DIRECTORY, O_RDONLY, openAt } from '../../system/files';
import { AT_FDCWD, must } from '../../system/libc';
import { parentOf } from './durable';

/** Removes a file or folder of the store with all that is in it; its files may have any owner, mode and name. */
export function discardTree(path: ByteString): void {
  const folder = parentOf(path);
  const fd = must(openAt(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY), 'open', folder);
  try {
    removeTree(fd, path.slice(folder.length + 1), path);
  } finally {
    closeFile(fd);
  }
}
