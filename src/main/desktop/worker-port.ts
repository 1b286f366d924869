// SPDX-License-Identifier: MIT
import { parentPort } from 'node:worker_threads';
import { Failure } from '@shared/failure';
import { SystemError } from '../system/libc';
import { systemFailure } from '../system/system-failure';
import type { WorkerReply, WorkerRequest } from './worker-host';

/** How a call tells how far it is, and hears that it shall end. */
export interface CallContext {
  readonly signal: AbortSignal;
  readonly tell: (progress: unknown) => void;
}

/** Serves the calls of a `WorkerHost`: one message in, one message out, and progress in between. */
export function servePort<Call>(answer: (body: Call, context: CallContext) => unknown): void {
  const port = parentPort!;
  const running = new Map<number, AbortController>();
  const send = (reply: WorkerReply): void => port.postMessage(reply);

  async function serve(id: number, body: Call): Promise<void> {
    const abort = new AbortController();
    running.set(id, abort);
    const context = { signal: abort.signal, tell: (progress: unknown) => send({ id, progress }) };
    try {
      send({ id, ok: true, value: await answer(body, context) });
    } catch (error) {
      send({ id, ok: false, ...failureOf(error, abort.signal) });
    } finally {
      running.delete(id);
    }
  }

  port.on('message', (request: WorkerRequest<Call>) => {
    if ('abort' in request) running.get(request.abort)?.abort(new Failure('ECANCELED', 'It was cancelled.', ''));
    else void serve(request.id, request.body);
  });
}

function failureOf(error: unknown, signal: AbortSignal): { code: string; message: string; hint: string } {
  if (signal.aborted) return { code: 'ECANCELED', message: 'It was cancelled.', hint: '' };
  if (error instanceof Failure) return error.report;
  if (error instanceof SystemError) return systemFailure(error).report;
  return { code: 'internal', message: String(error), hint: 'This is a defect of Lamina; please report it.' };
}
