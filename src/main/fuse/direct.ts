// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import { writeSync } from 'node:fs';
import type { ErrorReport } from '@shared/contract';
import { Failure } from '@shared/failure';
import { closeFile, setNonBlocking } from '../system/files';
import { socketPair } from '../system/socket';
import { attach } from './attach';
import { FuseDevice } from './device';
import type { DiscardOrder, Stale } from './live-discard';
import type { MountSpec } from './mount-record';
import { Notices } from './notices';
import { AT, SHARED_NUMBERS } from './shared-counts';
import type { Transport } from './transport';

/** What the session's thread says. */
export type SessionMessage =
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly hint: string }
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'up' }
  | { readonly kind: 'discarded'; readonly stale: Stale }
  | { readonly kind: 'kept'; readonly error: ErrorReport };

/** What the session's thread is told: the device to serve, and later what to do beside. */
export type SessionOrder =
  | { readonly kind: 'serve'; readonly fd: number; readonly wakeFd: number }
  | { readonly kind: 'discard'; readonly order: DiscardOrder };

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
  const [wakeFd, wakerFd] = socketPair();
  setNonBlocking(wakeFd);
  const order = (told: SessionOrder): void => worker.postMessage(told);
  const up = next('up');
  order({ kind: 'serve', fd, wakeFd });
  await up;
  void ended.then(() => [fd, wakeFd, wakerFd].forEach(closeFile));
  const notices = new Notices(new FuseDevice(fd));
  // One at a time: each waits for its answer.
  let last: Promise<void> = Promise.resolve();
  const discard = async (wanted: DiscardOrder): Promise<void> => {
    const answer = new Promise<SessionMessage>((resolve) => {
      const listen = (message: SessionMessage): void => {
        if (message.kind !== 'discarded' && message.kind !== 'kept') return;
        worker.off('message', listen);
        resolve(message);
      };
      worker.on('message', listen);
    });
    order({ kind: 'discard', order: wanted });
    writeSync(wakerFd, '!');
    const message = await answer;
    if (message.kind === 'kept') throw new Failure(message.error.code, message.error.message, message.error.hint);
    if (message.kind !== 'discarded') return;
    for (const { parent, name } of message.stale.names) notices.nameChanged(parent, name);
    for (const id of message.stale.attributes) notices.attributesChanged(id);
  };
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
    discard: spec.write ? (wanted) => (last = last.catch(() => undefined).then(() => discard(wanted))) : null,
  };
};
