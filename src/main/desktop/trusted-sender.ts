// SPDX-License-Identifier: MIT
import { APP_ORIGIN } from './asset-path';

/** What of an IPC event's frame the check needs. */
export interface SenderFrame {
  readonly url: string;
  readonly parent: unknown;
}

/** Only the main frame of one of our windows, showing our own page, may call. */
export function isTrustedSender(known: ReadonlySet<number>, sender: number, frame: SenderFrame | null): boolean {
  if (!frame || frame.parent !== null || !known.has(sender)) return false;
  return frame.url === APP_ORIGIN || frame.url.startsWith(`${APP_ORIGIN}/`);
}
