// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { display, type ByteString } from '@shared/bytes';
import type { MountInfo } from '@shared/contract';
import type { Composition } from '@shared/composition';
import type { EngineOptions } from '@shared/lamina-options';
import type { WriteOptions } from '../overlay/writable';
import { runtimeFolder } from './runtime-folder';

/** What a mount process is told at its start, as JSON on its standard input. */
export interface MountSpec {
  readonly id: string;
  readonly name: string;
  readonly compositionId: string | null;
  readonly subject: Pick<Composition, 'upper' | 'lowers' | 'data'>;
  readonly options: EngineOptions;
  /** How the upper is written; null for a read-only mount. */
  readonly write: WriteOptions | null;
  readonly mountpoint: ByteString;
  readonly transport: 'auto' | 'direct' | 'fuse-native';
  /** `nosuid`, `nodev`, `noexec`, `allow_other`, … as mount(8) spells them. */
  readonly flags: readonly string[];
  /** What findmnt shows as the source. */
  readonly source: string;
  /** A label for the kernel's security module, as mount(8) writes it after `context=`. */
  readonly context?: ByteString;
  /** The `-o` text of the composition. */
  readonly optionText: ByteString;
}

/** What ps(1) shows of the process behind a mount. */
export const processTitle = (mountpoint: ByteString): string => `lamina: ${display(mountpoint)}`;

/**
 * Arguments of a mount process. It learns everything on its standard input; the title stands among them because the
 * one that it gives itself has only the room of its arguments.
 */
export const processArguments = (program: string, { mountpoint }: MountSpec): string[] => [
  program,
  processTitle(mountpoint),
];

/** What a live mount leaves in the runtime folder, so that anyone of the same user finds it. */
export interface MountRecord extends Omit<MountInfo, 'display'> {
  /** Start time of the process in clock ticks since boot: a number alone may belong to another process by now. */
  readonly startTicks: number;
}

const recordPath = (id: string): string => join(runtimeFolder(), `${id}.json`);
export const socketPath = (id: string): string => join(runtimeFolder(), `${id}.sock`);
export const logPath = (id: string): string => join(runtimeFolder(), `${id}.log`);

export function writeRecord(record: MountRecord): void {
  const path = recordPath(record.id);
  writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function removeRecord(id: string): void {
  for (const path of [recordPath(id), socketPath(id), logPath(id)]) rmSync(path, { force: true });
}

/** All records of the user; unreadable ones are passed over. */
export function readRecords(): MountRecord[] {
  const records: MountRecord[] = [];
  for (const name of readdirSync(runtimeFolder())) {
    if (!name.endsWith('.json')) continue;
    try {
      records.push(JSON.parse(readFileSync(join(runtimeFolder(), name), 'utf8')) as MountRecord);
    } catch {
      // Half written, or not ours.
    }
  }
  return records.sort((a, b) => a.since - b.since);
}

/** Start time of a process (field 22 of /proc/PID/stat), or null when there is none, or only its exit status is left. */
export function startTicksOf(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name in parentheses may hold anything; what follows is fields of digits.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : Number(fields[19]);
  } catch {
    return null;
  }
}

export const isAlive = (record: MountRecord): boolean => startTicksOf(record.pid) === record.startTicks;
