// SPDX-License-Identifier: MIT
import { realpathSync } from 'node:fs';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { closeFile, O_DIRECTORY, O_NOFOLLOW, O_PATH, openAt, openBeneath } from '../system/files';
import { AT_FDCWD, errnoName } from '../system/libc';
import { clonePrivateMount } from '../system/mount';
import { mountOf } from '../system/mountinfo';
import { statFd, statPath, type Stat } from '../system/stat';
import { cannotOpen } from './layer';

/** Descriptors of an upper and its workdir on one mount, so that objects can be renamed from one into the other. */
export interface UpperPair {
  readonly upperFd: number;
  readonly workFd: number;
  /** Keeps the private mount alive; -1 where there is none. */
  readonly mountFd: number;
}

/**
 * Opens an upper and its workdir. With CAP_SYS_ADMIN through one private copy of the mount that both are on, so that
 * nothing mounted further down is in the way (as the kernel's overlay sees it); else directly.
 * @throws Failure that names the path and the way out
 */
export function openUpperPair(upper: ByteString, workdir: ByteString): UpperPair {
  return openInClone(realPath(upper), realPath(workdir)) ?? openDirectly(upper, workdir);
}

function realPath(path: ByteString): ByteString {
  try {
    return realpathSync.native(Buffer.from(path, 'latin1'), { encoding: 'buffer' }).toString('latin1');
  } catch (error) {
    throw cannotOpen(path, -((error as NodeJS.ErrnoException).errno ?? -5));
  }
}

/** Null where mounts cannot be cloned, or the two are not on one mount as the mount table shows it. */
function openInClone(upper: ByteString, workdir: ByteString): UpperPair | null {
  const mountpoint = mountOf(upper)?.mountpoint;
  if (mountpoint === undefined || mountOf(workdir)?.mountpoint !== mountpoint) return null;
  const clone = clonePrivateMount(mountpoint);
  if (clone < 0) return null;
  const below = (path: ByteString): ByteString => path.slice(mountpoint.length).replace(/^\/+/, '') || '.';
  const open = (path: ByteString): number => openBeneath(clone, below(path), O_PATH | O_DIRECTORY | O_NOFOLLOW);
  const pair = { upperFd: open(upper), workFd: open(workdir), mountFd: clone };
  if (isSame(pair.upperFd, upper) && isSame(pair.workFd, workdir)) return pair;
  for (const fd of Object.values(pair)) if (fd >= 0) closeFile(fd);
  return null;
}

/** Another mount may cover the one that was cloned. */
function isSame(fd: number, path: ByteString): boolean {
  if (fd < 0) return false;
  const key = ({ devMajor, devMinor, inoHigh, inoLow }: Stat): string =>
    [devMajor, devMinor, inoHigh, inoLow].join(':');
  return key(statFd(fd, path)) === key(statPath(path));
}

function openDirectly(upper: ByteString, workdir: ByteString): UpperPair {
  const upperFd = openAt(AT_FDCWD, upper, O_PATH | O_DIRECTORY);
  if (upperFd < 0) throw cannotOpen(upper, -upperFd);
  const workFd = openAt(AT_FDCWD, workdir, O_PATH | O_DIRECTORY);
  if (workFd >= 0) return { upperFd, workFd, mountFd: -1 };
  closeFile(upperFd);
  throw new Failure(
    errnoName(-workFd),
    `The workdir ${display(workdir)} cannot be opened (${errnoName(-workFd)}).`,
    'Choose an empty folder on the file system of the upper.',
  );
}
