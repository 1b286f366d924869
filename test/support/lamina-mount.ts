// SPDX-License-Identifier: MIT
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { processArguments, type MountSpec } from '../../src/main/fuse/mount-record';
import { unmount } from '../../src/main/system/mount';
import type { BuiltStack } from './kernel';

export type TransportName = 'direct' | 'fuse-native';
export const TRANSPORTS: readonly TransportName[] = ['direct', 'fuse-native'];

const PROGRAM = resolve('out/main/mount-process.js');
let made = 0;

export interface RunOptions {
  /** A file for the mount's log; else it goes to the test's own stderr. */
  readonly log?: string | null;
  /** A program that starts the mount process and becomes it: prlimit(1), `strace -D`. */
  readonly wrapper?: readonly string[];
  /** A runtime folder of its own: whoever starts Lamina with the usual one clears dead mounts that have a record there. */
  readonly runtime?: string | null;
}

/** A mount process of the built program, started as `lamina mount` starts it. */
export class LaminaMount {
  private constructor(
    readonly id: string,
    readonly at: string,
    readonly process: ChildProcess,
    private readonly ended: Promise<number | null>,
  ) {}

  static async start(
    built: BuiltStack,
    options: MountSpec['options'],
    transport: TransportName,
    at = join(built.folder, `f${made++}`),
    write: MountSpec['write'] = null,
    { log = null, wrapper = [], runtime = null }: RunOptions = {},
  ): Promise<LaminaMount> {
    mkdirSync(at, { recursive: true });
    const spec: MountSpec = {
      id: `test-${process.pid}-${made++}`,
      name: 'test',
      compositionId: null,
      subject: { upper: built.upper, lowers: built.lowers, data: built.data },
      options,
      write,
      mountpoint: at,
      transport,
      flags: [],
      source: 'lamina',
      optionText: '',
    };
    const [program, ...words] = [...wrapper, process.execPath, ...processArguments(PROGRAM, spec)];
    const env = runtime === null ? process.env : { ...process.env, LAMINA_RUNTIME_DIR: runtime };
    const stderr = log === null ? 'inherit' : openSync(log, 'a');
    const child = spawn(program!, words, { stdio: ['pipe', 'inherit', stderr, 'pipe'], env });
    if (typeof stderr === 'number') closeSync(stderr);
    const ended = new Promise<number | null>((done) => child.once('exit', done));
    child.stdin!.end(JSON.stringify(spec));
    let answer = '';
    for await (const data of child.stdio[3] as Readable) answer += String(data);
    const reply = JSON.parse(answer || '{"ok":false,"message":"no answer"}') as { ok: boolean; message: string };
    if (!reply.ok) throw new Error(reply.message);
    return new LaminaMount(spec.id, at, child, ended);
  }

  /** Unmounts as umount(8) does, and waits for the process to end by itself. Returns its exit status. */
  async stop(): Promise<number | null> {
    if (unmount(this.at, false) !== 0) unmount(this.at, true);
    return this.ended;
  }

  /** Kills the process; the mount point is dead then, and who uses it gets ENOTCONN until it is cleared. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  /** Clears the dead mount point of a killed process, as `umount -l` does. */
  clear(): void {
    unmount(this.at, true);
  }

  /** Waits for the process to end. */
  exit(): Promise<number | null> {
    return this.ended;
  }
}
