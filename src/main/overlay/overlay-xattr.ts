// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { getXattrAt } from '../system/xattr';
import { placeOf, type Real } from './entry';
import type { OverlayStack } from './stack';

/** Value of an overlay attribute of an object, or null. */
export function overlayXattr(stack: OverlayStack, real: Real, name: ByteString): ByteString | null {
  if (!real.xattrs.includes(name)) return null;
  const place = placeOf(stack.directories, real);
  const value = getXattrAt(place.fd, place.name, name);
  return typeof value === 'string' ? value : null;
}
