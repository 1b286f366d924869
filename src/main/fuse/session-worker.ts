// SPDX-License-Identifier: MIT
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { ErrorReport } from '@shared/contract';
import { Failure } from '@shared/failure';
import { OverlayStack } from '../overlay/stack';
import { SystemError } from '../system/libc';
import { systemFailure } from '../system/system-failure';
import type { SessionData, SessionMessage, SessionOrder } from './direct';
import { FuseDevice } from './device';
import { OverlayFileSystem } from './filesystem';
import { OPCODE } from './protocol';
import { Session, type Operation, type Request } from './session';

const { spec, counts: shared } = workerData as SessionData;
const counts = new Float64Array(shared);
const tell = (message: SessionMessage): void => parentPort!.postMessage(message);

function reportOf(error: unknown): ErrorReport {
  if (error instanceof Failure) return error.report;
  if (error instanceof SystemError) return systemFailure(error).report;
  return { code: 'internal', message: String(error), hint: 'This is a defect of Lamina; please report it.' };
}

function openStack(): OverlayStack | null {
  try {
    return new OverlayStack(spec.subject, spec.options, spec.write);
  } catch (error) {
    tell({ kind: 'failed', ...reportOf(error) });
    return null;
  }
}

/** Does what was ordered since the last time. Between two requests nothing is half done. */
function takeOrders(files: OverlayFileSystem): void {
  for (;;) {
    const received = receiveMessageOnPort(parentPort!) as { message: SessionOrder } | undefined;
    if (!received) return;
    if (received.message.kind !== 'discard') continue;
    try {
      tell({ kind: 'discarded', stale: files.discard(received.message.order) });
    } catch (error) {
      tell({ kind: 'kept', error: reportOf(error) });
    }
  }
}

function serve(stack: OverlayStack, fd: number, wakeFd: number): void {
  const device = new FuseDevice(fd, wakeFd, () => takeOrders(files));
  const files = new OverlayFileSystem(stack, device);
  const init = files.operations.get(OPCODE.INIT)!;
  const operations = new Map<number, Operation>(files.operations).set(OPCODE.INIT, (request, reply) => {
    tell({ kind: 'up' });
    return init(request, reply);
  });
  const log = (line: string): void => tell({ kind: 'log', line });
  const idle = (): boolean => {
    files.tell(counts);
    return files.idle();
  };
  const pathOf = (request: Request): string => files.pathOf(request);
  new Session(device, operations, counts, log, idle, pathOf).run();
  files.close();
}

const stack = openStack();
if (stack) {
  parentPort!.once('message', (order: SessionOrder) => {
    if (order.kind === 'serve') serve(stack, order.fd, order.wakeFd);
    process.exit(0);
  });
  tell({ kind: 'opened' });
}
