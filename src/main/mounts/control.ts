// SPDX-License-Identifier: MIT
import { connect } from 'node:net';
import type { ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { socketPath } from '../fuse/mount-record';

const TIMEOUT_MS = 5000;
const DISCARD_TIMEOUT_MS = 600_000;

/** What a mount process tells of itself; an older one leaves out what it does not count. */
export interface MountStatus {
  readonly requests: Readonly<Record<string, number>>;
  readonly errors: number;
  readonly nodes: number;
  /** Resident memory, bytes. */
  readonly memory: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly copyUps: number;
  readonly copyUpBytes: number;
}

/** What each command takes and gives. The argument goes after the word, as JSON on the same line. */
interface Commands {
  readonly status: { readonly argument: undefined; readonly reply: Partial<MountStatus> };
  readonly stop: { readonly argument: undefined; readonly reply: object };
  readonly 'stop-lazy': { readonly argument: undefined; readonly reply: object };
  /** Undoes changes of the upper (`discardChanges`), and makes the kernel forget what it knows of them. */
  readonly discard: {
    readonly argument: { readonly paths: readonly ByteString[] | null; readonly token: string };
    readonly reply: object;
  };
}

type Reply<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly code: string; readonly message: string; readonly hint: string };

/** How long a command may take: taking away a large tree is work. */
const timeoutOf = (word: keyof Commands): number => (word === 'discard' ? DISCARD_TIMEOUT_MS : TIMEOUT_MS);

/**
 * Sends one command to the process behind a mount.
 * @throws Failure with what it answers, or where it does not
 */
export function command<W extends keyof Commands>(
  id: string,
  word: W,
  ...[argument]: Commands[W]['argument'] extends undefined ? [] : [Commands[W]['argument']]
): Promise<Commands[W]['reply']> {
  const line = argument === undefined ? word : `${word} ${JSON.stringify(argument)}`;
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath(id));
    let text = '';
    socket.setTimeout(timeoutOf(word), () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => socket.write(`${line}\n`));
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
      const reply = JSON.parse(text) as Reply<Commands[W]['reply']>;
      if (reply.ok) resolve(reply);
      else reject(new Failure(reply.code, reply.message, reply.hint));
    });
  });
}
