// SPDX-License-Identifier: MIT
import { parentPort, workerData } from 'node:worker_threads';
import { Failure } from '@shared/failure';
import { OverlayStack } from '../overlay/stack';
import { SystemError } from '../system/libc';
import type { SessionData, SessionMessage } from './direct';
import { FuseDevice } from './device';
import { OverlayFileSystem } from './filesystem';
import { OPCODE } from './protocol';
import { Session, type Operation } from './session';

const { spec, counts: shared } = workerData as SessionData;
const counts = new Float64Array(shared);
const tell = (message: SessionMessage): void => parentPort!.postMessage(message);

function openStack(): OverlayStack | null {
  try {
    return new OverlayStack(spec.subject, spec.options, spec.write);
  } catch (error) {
    const { code, message, hint } =
      error instanceof Failure
        ? error
        : {
            code: error instanceof SystemError ? error.code : 'internal',
            message: String(error),
            hint: 'Check the layers.',
          };
    tell({ kind: 'failed', code, message, hint });
    return null;
  }
}

function serve(stack: OverlayStack, fd: number): void {
  const device = new FuseDevice(fd);
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
  new Session(device, operations, counts, log, idle).run();
  files.close();
}

const stack = openStack();
if (stack) {
  parentPort!.once('message', (fd: number) => {
    serve(stack, fd);
    process.exit(0);
  });
  tell({ kind: 'opened' });
}
