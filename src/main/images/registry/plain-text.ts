// SPDX-License-Identifier: MIT
import { bytesOf, display } from '@shared/bytes';

/** What a stranger's text looks like in a message of ours: no control characters, and not longer than `limit`. */
export function plain(text: string, limit = 200): string {
  const visible = display(bytesOf(text.slice(0, limit + 1)));
  return visible.length > limit ? `${visible.slice(0, limit)}…` : visible;
}
