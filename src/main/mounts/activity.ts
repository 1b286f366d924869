// SPDX-License-Identifier: MIT
import type { MountActivity, MountInfo } from '@shared/contract';
import { command } from './control';

/** What a live mount has done, asked of its process. Throws a Failure where that does not answer. */
export async function mountActivity({ id, transport }: Pick<MountInfo, 'id' | 'transport'>): Promise<MountActivity> {
  const status = await command(id, 'status');
  return {
    transport,
    requests: status.requests ?? {},
    errors: status.errors ?? 0,
    bytesRead: status.bytesRead ?? 0,
    bytesWritten: status.bytesWritten ?? 0,
    copyUps: status.copyUps ?? 0,
    copyUpBytes: status.copyUpBytes ?? 0,
    memory: status.memory ?? 0,
  };
}
