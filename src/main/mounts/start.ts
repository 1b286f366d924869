// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { display, type ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import type { MountInfo } from '@shared/contract';
import { Failure } from '@shared/failure';
import { engineOptions, laminaObstacles, type EngineOptions } from '@shared/lamina-options';
import { judgeOptions } from '@shared/options';
import { optionString } from '../commands/render';
import { logPath, processArguments, type MountSpec } from '../fuse/mount-record';
import type { WriteOptions } from '../overlay/writable';
import { keepFromPrograms } from '../system/descriptors';
import { listMounts } from './list';

export interface StartOptions {
  readonly composition: Composition;
  readonly mountpoint: ByteString;
  readonly transport?: MountSpec['transport'];
  /** mount(8)'s words: `nosuid`, `nodev`, `noexec`, `allow_other`. */
  readonly flags?: readonly string[];
  readonly source?: string;
  /** What only Lamina's engine knows, beside the options of the composition. */
  readonly engine?: Pick<EngineOptions, 'whiteouts' | 'owners' | 'staticLinks' | 'noAcl'>;
  readonly write?: Pick<WriteOptions, 'unmarked' | 'patience'>;
  /** A label for the kernel's security module: mount(8)'s `context=…`. */
  readonly context?: ByteString;
}

/** What the mount process is told. Throws a Failure where the stack cannot be mounted or the folder is not one. */
export async function mountSpec({
  composition,
  mountpoint,
  transport,
  flags,
  source,
  engine,
  write,
  context,
}: StartOptions): Promise<MountSpec> {
  const writes = composition.upper !== null && !flags?.includes('ro');
  const obstacle = laminaObstacles(composition, writes)[0];
  if (obstacle) {
    const fix = obstacle.fixes[0]?.label;
    throw new Failure(obstacle.errno ?? 'EINVAL', obstacle.message, fix ? `${obstacle.why} ${fix}.` : obstacle.why);
  }
  const { id: compositionId, name, upper, lowers, data } = composition;
  return {
    id: randomBytes(6).toString('hex'),
    name,
    compositionId,
    subject: { upper, lowers, data },
    options: { ...engineOptions(composition), ...engine },
    write: writes ? { ...judgeOptions(composition).effective, ...write } : null,
    mountpoint: await resolveMountpoint(mountpoint),
    transport: transport ?? 'auto',
    flags: flags ?? ['nosuid', 'nodev'],
    source: source ?? 'lamina',
    ...(context === undefined ? {} : { context }),
    optionText: optionString(composition) + (engine?.whiteouts === 'oci' ? ',whiteouts=oci' : ''),
  };
}

async function resolveMountpoint(path: ByteString): Promise<ByteString> {
  try {
    return (await realpath(Buffer.from(path, 'latin1'), { encoding: 'buffer' })).toString('latin1');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'EIO';
    const hint =
      code === 'ENOTCONN' ? 'A dead mount is in the way: lamina umount it first.' : 'Make the folder first: mkdir -p.';
    throw new Failure(code, `Mount point ${display(path)} cannot be used (${code}).`, hint);
  }
}

/**
 * Starts the process behind a mount, detached: it outlives the app and the command line. Resolves when the mount is
 * up. Throws a Failure with the process's own reason.
 */
export async function startMount(options: StartOptions): Promise<MountInfo> {
  const spec = await mountSpec(options);
  await launch(spec);
  const mount = (await listMounts()).find(({ id }) => id === spec.id);
  if (!mount)
    throw new Failure('EIO', `${display(spec.mountpoint)} was unmounted at once.`, 'See the kernel log (dmesg).');
  return mount;
}

async function launch(spec: MountSpec): Promise<void> {
  const log = openSync(logPath(spec.id), 'a', 0o600);
  const program = fileURLToPath(new URL('./mount-process.js', import.meta.url));
  keepFromPrograms();
  const child = spawn(process.execPath, processArguments(program, spec), {
    detached: true,
    stdio: ['pipe', log, log, 'pipe'],
    // In the app the executable is Electron, which then runs the program as Node would.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  });
  closeSync(log);
  child.stdin!.on('error', () => undefined);
  child.stdin!.end(JSON.stringify(spec));
  const answer = await firstLine(child.stdio[3] as Readable);
  child.unref();
  if (answer === '') {
    throw new Failure(
      'EIO',
      'The mount process ended before the mount was up.',
      `Its log says why: ${logPath(spec.id)}.`,
    );
  }
  const reply = JSON.parse(answer) as { ok: boolean; code: string; message: string; hint: string };
  if (!reply.ok) throw new Failure(reply.code, reply.message, reply.hint);
}

function firstLine(stream: Readable): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    stream.on('data', (data: Buffer) => (text += data.toString()));
    stream.on('close', () => resolve(text));
    stream.on('error', () => resolve(text));
  });
}
