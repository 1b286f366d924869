// SPDX-License-Identifier: MIT
import { lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@shared/failure';
import { isFullRoot, outerUid } from '../system/privilege';

/** Where the records, sockets and logs of the user's mounts are: a folder of mode 0700 that is the user's own. */
export function runtimeFolder(): string {
  const folder = place();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  // In a folder that all may write, somebody else may have been here first.
  const isOurs = (mode & 0o170000) === 0o040000 && uid === process.getuid?.() && (mode & 0o022) === 0;
  if (!isOurs) {
    throw new Failure(
      'EPERM',
      `The runtime folder ${folder} is not yours alone.`,
      'Remove it, or set XDG_RUNTIME_DIR to a folder of your own.',
    );
  }
  return folder;
}

function place(): string {
  const base = process.env['LAMINA_RUNTIME_DIR'] ?? process.env['XDG_RUNTIME_DIR'];
  if (base) return join(base, 'lamina');
  return isFullRoot() ? '/run/lamina' : `/tmp/lamina-${outerUid()}`;
}
