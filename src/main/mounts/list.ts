// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import type { MountInfo } from '@shared/contract';
import { isAlive, readRecords, type MountRecord } from '../fuse/mount-record';

/** The record as the window and the command line show it. */
export function infoOf({ startTicks: _, ...record }: MountRecord): MountInfo {
  return { ...record, display: display(record.mountpoint) };
}

/** The user's live mounts, the oldest first, whoever started them. */
export function listMounts(): Promise<MountInfo[]> {
  return Promise.resolve(readRecords().filter(isAlive).map(infoOf));
}
