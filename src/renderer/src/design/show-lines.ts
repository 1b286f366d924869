// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { display } from '@shared/bytes';

/** A byte string of several lines for the eye: `display` would write the line ends out. */
export function showLines(bytes: ByteString): string {
  return bytes.split('\n').map(display).join('\n');
}
