// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Failure } from '@shared/failure';
import { processArguments } from '../fuse/mount-record';
import { mountSpec, type StartOptions } from './start';

/** Mounts and stays until the mount ends, with the mount's log on stderr. Signals reach the mount process too. */
export async function runForeground(options: StartOptions): Promise<void> {
  const spec = await mountSpec(options);
  const program = fileURLToPath(new URL('./mount-process.js', import.meta.url));
  const child = spawn(process.execPath, processArguments(program, spec), {
    stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
  });
  child.stdin!.end(JSON.stringify(spec));
  let answer = '';
  child.stdio[3]!.on('data', (data: Buffer) => (answer += data.toString()));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  await new Promise((resolve) => child.once('exit', resolve));
  const reply = JSON.parse(answer || '{"ok":true}') as { ok: boolean; code: string; message: string; hint: string };
  if (!reply.ok) throw new Failure(reply.code, reply.message, reply.hint);
}
