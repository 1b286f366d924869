// SPDX-License-Identifier: MIT
import { isAlive, readRecords } from '../fuse/mount-record';
import { Failure } from '@shared/failure';
import { command } from './control';

const LOOK_MS = 20;
const PATIENCE_MS = 5000;

/**
 * Unmounts, and waits for the process to end. Throws a Failure, EBUSY where files are open in it.
 * @param lazy detach at once; the process then lives as long as somebody has files open, and is not waited for
 */
export async function stopMount(id: string, lazy = false): Promise<void> {
  const record = readRecords().find((known) => known.id === id);
  if (!record) throw new Failure('ENOENT', 'The mount is gone already.', 'List the mounts again.');
  await command(id, lazy ? 'stop-lazy' : 'stop');
  if (lazy) return;
  const patience = Date.now() + PATIENCE_MS;
  while (isAlive(record) && Date.now() < patience) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
