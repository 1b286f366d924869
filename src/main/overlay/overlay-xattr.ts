// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { getXattrAt } from '../system/xattr';
import type { Real } from './entry';
import type { OverlayStack } from './stack';

/** Value of an overlay attribute of an object, or null. */
export function overlayXattr(stack: OverlayStack, real: Real, name: ByteString): ByteString | null {
  if (!real.xattrs.includes(name)) return null;
  const value = getXattrAt(stack.directories.fdOf(real.parent), real.name, name);
  return typeof value === 'string' ? value : null;
}
