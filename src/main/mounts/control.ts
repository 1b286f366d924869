// SPDX-License-Identifier: MIT
import { connect } from 'node:net';
import { Failure } from '@shared/failure';
import { socketPath } from '../fuse/mount-record';

const TIMEOUT_MS = 5000;

/** What a mount process tells of itself. */
export interface MountStatus {
  readonly requests: Readonly<Record<string, number>>;
  readonly errors: number;
  readonly nodes: number;
  /** Resident memory, bytes. */
  readonly memory: number;
}

type Reply =
  | ({ readonly ok: true } & Partial<MountStatus>)
  | { readonly ok: false; readonly code: string; readonly message: string; readonly hint: string };

/** Sends one command to the process behind a mount. Throws a Failure with what it answers, or where it does not. */
export function command(id: string, word: 'status' | 'stop' | 'stop-lazy'): Promise<Partial<MountStatus>> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath(id));
    let text = '';
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => socket.write(`${word}\n`));
    socket.on('data', (data) => (text += data.toString()));
    socket.on('error', (error) =>
      reject(
        new Failure(
          'ECONNREFUSED',
          `The mount process does not answer (${error.message}).`,
          'List mounts again: what is dead is cleared.',
        ),
      ),
    );
    socket.on('end', () => {
      const reply = JSON.parse(text) as Reply;
      if (reply.ok) resolve(reply);
      else reject(new Failure(reply.code, reply.message, reply.hint));
    });
  });
}
