// SPDX-License-Identifier: MIT
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export type Medium = 'tmpfs' | 'disk';

/** A fresh folder in memory or on the disk's own file system; `/dev/shm` is a tmpfs with extended attributes. */
export function makeScratch(medium: Medium): string {
  return mkdtempSync(join(medium === 'tmpfs' ? '/dev/shm' : '/var/tmp', 'lamina-test-'));
}

export function removeScratch(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}
