// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Layer } from '../layers/layer';
import { closeFile, O_NOFOLLOW, O_PATH, openBeneath } from '../system/files';
import { isRegular, statFd, type Stat } from '../system/stat';
import { topOf, type Entry } from './entry';
import { overlayXattr } from './overlay-xattr';
import type { OverlayStack } from './stack';

/**
 * The redirect of a metacopy whose data a regular lower gives although a data-only layer has a file at that path
 * (semantics 2.7): the kernel serves the lower without a word. Null where nothing is captured.
 */
export function capturedRedirect(stack: OverlayStack, entry: Entry): ByteString | null {
  if (!entry.metacopy || entry.lazyData !== null || !stack.hasData) return null;
  const redirect = overlayXattr(stack, topOf(entry), stack.names.redirect);
  if (redirect === null || !redirect.startsWith('/')) return null;
  return stack.data.some((layer) => dataFile(layer, redirect)) ? redirect : null;
}

/** The regular file at an absolute path of a data-only layer, or null. */
export function dataFile(layer: Layer, path: ByteString): Stat | null {
  const fd = openBeneath(layer.root.fd, path.slice(1), O_PATH | O_NOFOLLOW);
  if (fd < 0) return null;
  const stat = statFd(fd, path);
  closeFile(fd);
  return isRegular(stat.mode) ? stat : null;
}
