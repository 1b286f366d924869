// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from 'node:timers/promises';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { lockExclusively, lockShared } from '../../system/file-content';
import { closeFile, createAt, O_CREAT, O_RDWR } from '../../system/files';
import { AT_FDCWD, must } from '../../system/libc';

/** A lock that is held: of this process, and gone with it however it ends (flock(2)). */
export interface Lock {
  release(): void;
}

const LOOK_MS = 20;

/**
 * Waits for a lock on a file, which is made where it is missing. Holders in this process keep each other out as those
 * of others do.
 * @param patience milliseconds to wait; endless by default
 * @throws Failure EBUSY when they are over; the signal's reason when it is aborted
 */
export async function takeLock(
  path: ByteString,
  kind: 'shared' | 'exclusive',
  signal?: AbortSignal,
  patience = Infinity,
): Promise<Lock> {
  const deadline = Date.now() + patience;
  for (;;) {
    const lock = tryLock(path, kind);
    if (lock) return lock;
    if (Date.now() >= deadline) throw busy(path);
    await sleep(LOOK_MS, undefined, signal ? { signal } : {});
  }
}

/** As `takeLock`, without waiting. Null where another has it. */
export function tryLock(path: ByteString, kind: 'shared' | 'exclusive'): Lock | null {
  const fd = must(createAt(AT_FDCWD, path, O_RDWR | O_CREAT, 0o600), 'open', path);
  if ((kind === 'shared' ? lockShared(fd) : lockExclusively(fd)) === 0) return { release: () => closeFile(fd) };
  closeFile(fd);
  return null;
}

const busy = (path: ByteString): Failure =>
  new Failure(
    'EBUSY',
    `The image store is being used by another process (lock ${display(path)}).`,
    'Wait until the imports and exports that run have ended, then try again.',
  );
