// SPDX-License-Identifier: MIT
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { display } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { detach } from './attach';
import { direct } from './direct';
import { fuseNative } from './fuse-native';
import type { DiscardOrder } from './live-discard';
import { limitedLog } from './limited-log';
import {
  isAlive,
  processTitle,
  readRecords,
  removeRecord,
  socketPath,
  startTicksOf,
  writeRecord,
  type MountSpec,
} from './mount-record';
import { OPCODE_LIMIT, OPCODE_NAMES } from './protocol';
import { readMountinfo } from '../system/mountinfo';
import type { LiveMount } from './transport';

/*
 * The process behind one mount. It is started detached, told what to mount on its standard input, says on descriptor 3
 * how that went (a line of JSON, as the control socket speaks), and lives until the mount is gone: from the app, by
 * `lamina umount`, by umount(8) or by a signal.
 */

/** An answer on descriptor 3 and on the control socket. */
type Reply =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly hint: string };

const log = limitedLog((line) => void process.stderr.write(`${new Date().toISOString()} ${line}\n`));

function answerStarter(reply: Reply): void {
  try {
    writeSync(3, `${JSON.stringify(reply)}\n`);
    closeSync(3);
  } catch {
    // Started by hand, without anyone who waits.
  }
}

const failureOf = (error: unknown): Reply => {
  if (error instanceof Failure) return { ok: false, ...error.report };
  return { ok: false, code: 'internal', message: String(error), hint: 'This is a defect of Lamina; please report it.' };
};

/** `auto` is direct: what it needs, `/dev/fuse` and fusermount3, the other needs too. */
async function start(spec: MountSpec): Promise<{ mount: LiveMount; transport: 'direct' | 'fuse-native' }> {
  if (spec.transport === 'fuse-native') return { mount: await fuseNative(spec, log), transport: 'fuse-native' };
  return { mount: await direct(spec, log), transport: 'direct' };
}

function refuseSecond({ mountpoint }: MountSpec): void {
  const other = readRecords().find((record) => record.mountpoint === mountpoint && isAlive(record));
  // One whose mount was taken down a moment ago is no second.
  if (!other || !isMountedHere(mountpoint)) return;
  throw new Failure(
    'EBUSY',
    `${display(mountpoint)} is already a mount of Lamina's (${other.name}, process ${other.pid}).`,
    `Unmount it first: lamina umount ${display(mountpoint)}.`,
  );
}

const isMountedHere = (mountpoint: MountSpec['mountpoint']): boolean =>
  readMountinfo().some((mount) => mount.mountpoint === mountpoint && mount.type === 'fuse.lamina');

/** Requests by opcode name, for `lamina mounts --json` and the benchmarks. */
function statusOf({ counts, nodes, activity }: LiveMount): object {
  const requests: Record<string, number> = {};
  for (let opcode = 1; opcode < OPCODE_LIMIT; opcode++) {
    if (counts[opcode]! > 0) requests[OPCODE_NAMES[opcode] ?? String(opcode)] = counts[opcode]!;
  }
  const memory = process.memoryUsage().rss;
  return { ok: true, requests, errors: counts[0], nodes: nodes(), memory, ...activity() };
}

/** Takes the mount down; busy ones only when `lazy`. */
function stop(spec: MountSpec, lazy: boolean): Reply {
  const reason = detach(spec.mountpoint, lazy);
  if (reason === null) {
    // Nothing is mounted there any more: the folder is free, though we serve who still has files open.
    if (lazy) removeRecord(spec.id);
    return { ok: true };
  }
  const path = display(spec.mountpoint);
  return {
    ok: false,
    code: reason,
    message: `${path} cannot be unmounted (${reason}).`,
    hint:
      reason === 'EBUSY'
        ? `Close what uses it (fuser -vm ${path}), or detach it: lamina umount --lazy ${path}.`
        : 'See the kernel log (dmesg).',
  };
}

/** Undoes changes of the upper, and makes the kernel forget what it knows of them. */
async function discard(spec: MountSpec, mount: LiveMount, argument: string): Promise<Reply> {
  const { upper } = spec.subject;
  if (!mount.discard || !upper) {
    return {
      ok: false,
      code: 'ENOTSUP',
      message: `The mount on ${display(spec.mountpoint)} cannot discard changes: it is read-only, or by fuse-native.`,
      hint: 'Unmount it, then discard them.',
    };
  }
  try {
    const { paths, token } = JSON.parse(argument) as Pick<DiscardOrder, 'paths' | 'token'>;
    await mount.discard({ paths, token, workdir: upper.workdir });
    return { ok: true };
  } catch (error) {
    return failureOf(error);
  }
}

/** What a line on the control socket is answered: a command, and for some an argument as JSON after it. */
function answerTo(spec: MountSpec, mount: LiveMount, line: string): object | Promise<object> {
  const [word = ''] = line.split(' ', 1);
  if (word === 'status') return statusOf(mount);
  if (word === 'stop' || word === 'stop-lazy') return stop(spec, word === 'stop-lazy');
  if (word === 'discard') return discard(spec, mount, line.slice(word.length + 1));
  return {
    ok: false,
    code: 'ENOSYS',
    message: `The mount on ${display(spec.mountpoint)} does not know the command ${word}.`,
    hint: 'Another version of Lamina started it: unmount it first.',
  };
}

function listen(spec: MountSpec, mount: LiveMount): Promise<void> {
  const serve = (socket: Socket): void => {
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('data', (data: string) => {
      text += data;
      const end = text.indexOf('\n');
      if (end < 0) return;
      socket.removeAllListeners('data');
      void Promise.resolve(answerTo(spec, mount, text.slice(0, end))).then((answer) =>
        socket.end(`${JSON.stringify(answer)}\n`),
      );
    });
  };
  return new Promise((resolve, reject) => {
    const server = createServer(serve);
    server.once('error', reject);
    server.listen(socketPath(spec.id), resolve);
    server.unref();
  });
}

async function main(): Promise<void> {
  const spec = JSON.parse(readFileSync(0, 'utf8')) as MountSpec;
  // So ps(1) shows whose process this is, and who is refused an upper is told which mount has it.
  process.title = processTitle(spec.mountpoint);
  process.chdir('/');
  // What is made through the mount has the mode that its maker asked for, and his umask.
  process.umask(0);
  try {
    refuseSecond(spec);
    const { mount, transport } = await start(spec);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (!stop(spec, false).ok) stop(spec, true);
      });
    }
    await listen(spec, mount);
    const { id, name, mountpoint, compositionId, optionText } = spec;
    writeRecord({
      id,
      name,
      mountpoint,
      compositionId,
      transport,
      pid: process.pid,
      startTicks: startTicksOf(process.pid) ?? 0,
      since: Date.now(),
      options: optionText,
    });
    answerStarter({ ok: true });
    await mount.ended;
    removeRecord(spec.id);
    process.exit(0);
  } catch (error) {
    answerStarter(failureOf(error));
    removeRecord(spec.id);
    process.exit(1);
  }
}

void main();
