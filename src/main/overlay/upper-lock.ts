// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { kernelOverlayOn } from '../layers/kernel-overlays';
import { lockExclusively } from '../system/file-content';
import { closeFile, O_DIRECTORY, O_RDONLY, openAt } from '../system/files';
import { statFd, type Stat } from '../system/stat';

/**
 * Takes a directory for this mount alone, for as long as the descriptor is open: two that write one upper destroy it.
 * A kernel mount takes no lock that we could see, and is found in the mount table.
 * @param fd       O_PATH descriptor of the upper or the workdir
 * @param deadline until when (Date.now) to wait for another process: one whose mount was just taken down is about to end
 * @returns the descriptor that holds the lock
 * @throws Failure EBUSY that names the holder
 */
export function lockUpper(fd: number, path: ByteString, role: 'upper' | 'workdir', deadline = 0): number {
  const locked = openAt(fd, '.', O_RDONLY | O_DIRECTORY);
  if (locked < 0) throw busy(path, role, 'it cannot be opened');
  const stat = statFd(locked, path);
  const kernel = kernelOverlayOn(stat);
  if (kernel === null && lockInTime(locked, deadline)) return locked;
  closeFile(locked);
  throw busy(path, role, kernel === null ? lockHolder(stat) : `overlay on ${display(kernel)}`);
}

const LOOK_MS = 20;

function lockInTime(fd: number, deadline: number): boolean {
  const never = new Int32Array(new SharedArrayBuffer(4));
  while (lockExclusively(fd) !== 0) {
    if (Date.now() >= deadline) return false;
    Atomics.wait(never, 0, 0, LOOK_MS);
  }
  return true;
}

function busy(path: ByteString, role: string, holder: string): Failure {
  return new Failure(
    'EBUSY',
    `The ${role} ${display(path)} is in use by another mount: ${holder}.`,
    'Unmount that one first, or give this mount an upper and a workdir of its own.',
  );
}

/** Who has the lock, as /proc/locks and the process's arguments tell (proc(5)). */
function lockHolder({ devMajor, devMinor, inoLow, inoHigh }: Stat): string {
  const inode = BigInt(inoLow) + (BigInt(inoHigh) << 32n);
  const hex = (number: number): string => number.toString(16).padStart(2, '0');
  const wanted = `${hex(devMajor)}:${hex(devMinor)}:${inode}`;
  for (const line of readFileSync('/proc/locks', 'latin1').split('\n')) {
    const [, kind, , , pid, inodeText] = line.split(/\s+/);
    if (kind === 'FLOCK' && inodeText === wanted) return describeProcess(Number(pid));
  }
  return 'another process';
}

function describeProcess(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      .split('\0')
      .filter((word) => word !== '');
    return `process ${pid} (${display(words.join(' '))})`;
  } catch {
    return `process ${pid}`;
  }
}
