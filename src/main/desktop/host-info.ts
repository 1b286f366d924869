// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { getuid } from 'node:process';
import type { HostInfo } from '@shared/contract';

/** What this machine is, as far as advice depends on it. */
export function hostInfo(version: string): HostInfo {
  return { kernel: release(), uid: getuid?.() ?? -1, fuse: existsSync('/dev/fuse'), version };
}
