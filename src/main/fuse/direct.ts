// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import { Failure } from '@shared/failure';
import { closeFile, setNonBlocking } from '../system/files';
import { attach } from './attach';
import type { MountSpec } from './mount-record';
import { AT, SHARED_NUMBERS } from './shared-counts';
import type { Transport } from './transport';

/** What the session's thread says. */
export type SessionMessage =
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly hint: string }
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'up' };

export interface SessionData {
  readonly spec: MountSpec;
  /** Float64Array of SHARED_NUMBERS: requests by opcode, then what `AT` names. */
  readonly counts: SharedArrayBuffer;
}

/**
 * The FUSE protocol spoken by us. The session runs in a thread of its own, which sleeps in poll(2); this thread stays
 * free for the control socket and for signals.
 */
export const direct: Transport = async (spec, log) => {
  const counts = new Float64Array(new SharedArrayBuffer(8 * SHARED_NUMBERS));
  const data: SessionData = { spec, counts: counts.buffer as SharedArrayBuffer };
  const worker = new Worker(new URL('./session-worker.js', import.meta.url), { workerData: data });
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const next = (kind: SessionMessage['kind']): Promise<void> =>
    new Promise((resolve, reject) => {
      const listen = (message: SessionMessage): void => {
        if (message.kind === 'failed') reject(new Failure(message.code, message.message, message.hint));
        else if (message.kind === kind) resolve();
        else return;
        worker.off('message', listen);
      };
      worker.on('message', listen);
      worker.once('error', reject);
      void ended.then(() => reject(new Error('the session ended before the mount was up')));
    });
  worker.on('message', (message: SessionMessage) => {
    if (message.kind === 'log') log(message.line);
  });
  // Layers first: one that cannot be read must not leave a mount point behind.
  await next('opened');
  let fd: number;
  try {
    fd = attach({ ...spec, readOnly: spec.write === null });
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  setNonBlocking(fd);
  const up = next('up');
  worker.postMessage(fd);
  await up;
  void ended.then(() => closeFile(fd));
  return {
    ended,
    counts,
    nodes: () => counts[AT.nodes]!,
    activity: () => ({
      bytesRead: counts[AT.bytesRead]!,
      bytesWritten: counts[AT.bytesWritten]!,
      copyUps: counts[AT.copyUps]!,
      copyUpBytes: counts[AT.copyUpBytes]!,
    }),
  };
};
