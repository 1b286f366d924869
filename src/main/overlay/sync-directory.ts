// SPDX-License-Identifier: MIT
import { syncFile } from '../system/file-content';
import { closeFile, O_RDONLY, openPlace } from '../system/files';
import { placeOf, type Entry } from './entry';
import type { OverlayStack } from './stack';

/** fsync(2) of a directory: that of the upper is synced, others have nothing to sync (semantics 6). 0 or negative errno. */
export function syncDirectory({ directories }: OverlayStack, { upper }: Entry): number {
  if (!upper) return 0;
  const fd = openPlace(placeOf(directories, upper), O_RDONLY);
  if (fd < 0) return fd;
  const result = syncFile(fd, false);
  closeFile(fd);
  return result;
}
