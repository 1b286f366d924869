// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import { detach } from '../fuse/attach';
import { isAlive, readRecords, removeRecord } from '../fuse/mount-record';
import { readMountinfo } from '../system/mountinfo';

/**
 * Clears what killed mount processes left: the dead mount point, the socket, the record. Returns a sentence for each.
 * Touches only what a record of ours names and what is mounted as ours.
 */
export function recoverMounts(): Promise<string[]> {
  const notices: string[] = [];
  for (const record of readRecords()) {
    if (isAlive(record)) continue;
    const { mountpoint, pid, id } = record;
    const left = readMountinfo().some((mount) => mount.mountpoint === mountpoint && mount.type === 'fuse.lamina');
    const reason = left ? detach(mountpoint, true) : null;
    if (reason !== null) {
      notices.push(`The dead mount at ${display(mountpoint)} could not be cleared (${reason}).`);
      continue;
    }
    removeRecord(id);
    if (left)
      notices.push(`The mount process ${pid} was killed; its dead mount point ${display(mountpoint)} was cleared.`);
  }
  return Promise.resolve(notices);
}
