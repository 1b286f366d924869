// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';

/**
 * The name of the systemd mount unit for a path, as `systemd-escape -p --suffix=mount` gives it: slashes become `-`,
 * any byte that is not a letter, a digit, `:`, `_` or `.` becomes `\xHH`, and so does a dot at the start
 * (semantics 10.3).
 */
export function mountUnitName(path: ByteString): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0) return '-.mount';
  return `${parts.map(escapePart).join('-').replace(/^\./, '\\x2e')}.mount`;
}

function escapePart(part: ByteString): string {
  return part.replace(/[^A-Za-z0-9:_.]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
