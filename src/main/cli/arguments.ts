// SPDX-License-Identifier: MIT
import { readFileSync, readlinkSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';

/**
 * The arguments as bytes: Node decodes them as UTF-8, which a path need not be. The kernel keeps the originals; the
 * last ones are the program's own, whatever options Node itself got.
 */
export function rawArguments(): ByteString[] {
  const count = process.argv.length - 2;
  if (count === 0) return [];
  const all = readFileSync('/proc/self/cmdline', 'latin1').split('\0').slice(0, -1);
  return all.slice(-count);
}

export const workingDirectory = (): ByteString => readlinkSync('/proc/self/cwd', 'buffer').toString('latin1');
