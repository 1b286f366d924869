// SPDX-License-Identifier: MIT
import { libc } from '../system/libc';

const closeRange = libc.func('syscall', 'long', ['long', 'uint32_t', 'uint32_t', 'uint32_t']);
const SYS_CLOSE_RANGE = 436;
const CLOSE_RANGE_CLOEXEC = 4;
const LAST = 0xffff_ffff;

/**
 * Marks every descriptor above stderr close-on-exec. Chromium leaves many of its own open to child processes; a mount
 * process, which outlives the window, would keep the window's sockets, database locks and pipes alive with it. Before
 * Linux 5.11 the call fails, and they leak as they always did.
 */
export function closeOnExec(): void {
  closeRange(SYS_CLOSE_RANGE, 3, LAST, CLOSE_RANGE_CLOEXEC);
}
