// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ERRNO, SystemError } from '../system/libc';
import { complaint, isOrdinary } from './complaint';
import type { FuseDevice } from './device';
import { IN_HEADER, OPCODE, OPCODE_LIMIT, OPCODE_NAMES, OUT_HEADER } from './protocol';
import { Reply } from './reply';

/** A request as the operations see it; the buffer is the session's and good until the operation returns. */
export interface Request {
  readonly opcode: number;
  readonly nodeId: number;
  readonly uid: number;
  readonly gid: number;
  /** The calling thread, 0 where it is in no PID namespace of ours. */
  readonly pid: number;
  /** Everything after the header starts at `IN_HEADER`; `length` is the length of the whole. */
  readonly bytes: Buffer;
  readonly length: number;
}

/**
 * Answers a request by writing its payload after the header. Returns the payload's bytes, NO_REPLY, or `failure(errno)`;
 * may throw a SystemError as well.
 */
export type Operation = (request: Request, reply: Reply) => number;

/** Returned by an operation that is not answered (FORGET). */
export const NO_REPLY = -1;

/** The result of an operation that fails: apart from payloads and from NO_REPLY. */
export const failure = (errno: number): number => -1 - errno;

/** What `max_write` may ask for plus a page, or the kernel refuses to hand out requests. */
const MAX_WRITE = 1 << 20;
const REQUEST_BYTES = MAX_WRITE + 4096;
/** Largest payload: a READ of `max_pages` pages. */
export const MAX_PAYLOAD = 1 << 20;
export { MAX_WRITE };

/**
 * The loop of one mount: takes a request, has it answered, sends the reply. One thread: what an operation does, no
 * other sees half done.
 */
export class Session {
  private readonly input = Buffer.alloc(REQUEST_BYTES);
  private readonly words = new Uint32Array(this.input.buffer, this.input.byteOffset, REQUEST_BYTES >>> 2);
  private readonly reply = new Reply(MAX_PAYLOAD);
  private idleFailed = false;

  /**
   * @param operations by opcode; an opcode without one is answered ENOSYS, which tells the kernel not to ask again
   * @param counts     requests by opcode and, at index 0, errors; shared with the thread that reports them
   * @param idle       does a small piece of work when no request waits; false where there is none
   * @param log        takes a line about what should not have happened
   * @param pathOf     what a request is about, as a path of the merged tree, for the log
   */
  constructor(
    private readonly device: FuseDevice,
    private readonly operations: ReadonlyMap<number, Operation>,
    private readonly counts: Float64Array,
    private readonly log: (line: string) => void,
    private readonly idle: () => boolean,
    private readonly pathOf: (request: Request) => ByteString,
  ) {}

  /** Runs until the file system is unmounted. */
  run(): void {
    const request = { opcode: 0, nodeId: 0, uid: 0, gid: 0, pid: 0, bytes: this.input, length: 0 };
    for (;;) {
      const length = this.device.receive(this.input, this.workIdly);
      if (length === 0) return;
      request.length = length;
      request.opcode = this.words[1]!;
      request.nodeId = this.words[4]! + this.words[5]! * 0x1_0000_0000;
      request.uid = this.words[6]!;
      request.gid = this.words[7]!;
      request.pid = this.words[8]!;
      this.serve(request);
      if (request.opcode === OPCODE.DESTROY) return;
    }
  }

  /** What is done ahead of requests must never end the mount: after a failure nothing is done ahead any more. */
  private readonly workIdly = (): boolean => {
    if (this.idleFailed) return false;
    try {
      return this.idle();
    } catch (error) {
      this.idleFailed = true;
      this.log(`reading ahead: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return false;
    }
  };

  private serve(request: Request): void {
    const uniqueLow = this.words[2]!;
    const uniqueHigh = this.words[3]!;
    if (request.opcode < OPCODE_LIMIT) this.counts[request.opcode]! += 1;
    const payload = this.answer(request);
    if (payload === NO_REPLY) return;
    const length = payload < 0 ? OUT_HEADER : OUT_HEADER + payload;
    this.reply.header(length, payload < 0 ? payload + 1 : 0, uniqueLow, uniqueHigh);
    const errno = this.device.send(this.reply.bytes, length);
    if (errno !== 0 && errno !== ERRNO.ENOENT) this.log(`reply to ${describe(request)}: errno ${errno}`);
  }

  /** Payload bytes, NO_REPLY, or a failure. */
  private answer(request: Request): number {
    const operation = this.operations.get(request.opcode);
    if (!operation) return failure(ERRNO.ENOSYS);
    try {
      const payload = operation(request, this.reply);
      if (payload < NO_REPLY) this.complain(request, NO_REPLY - payload, null);
      return payload;
    } catch (error) {
      if (error instanceof SystemError) {
        this.complain(request, error.errno, error);
        if (error.errno !== ERRNO.ENOENT && error.errno !== ERRNO.ENODATA) this.counts[0]! += 1;
        return failure(error.errno);
      }
      this.counts[0]! += 1;
      this.log(`${describe(request)}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return failure(ERRNO.EIO);
    }
  }

  /** What programs are not to expect is for the log, too: they often do not say it. */
  private complain(request: Request, errno: number, cause: SystemError | null): void {
    if (!isOrdinary(errno)) this.log(complaint(request.opcode, this.pathOf(request), errno, cause));
  }
}

const describe = ({ opcode, nodeId }: Request): string =>
  `${OPCODE_NAMES[opcode] ?? `opcode ${opcode}`} of node ${nodeId}`;

/** The NUL-terminated name at `at` of the request. */
export function nameAt({ bytes }: Request, at: number = IN_HEADER): string {
  return bytes.toString('latin1', at, bytes.indexOf(0, at));
}
