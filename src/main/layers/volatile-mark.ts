// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { UpperEntry } from '@shared/composition';
import { closeFile, O_DIRECTORY, O_PATH, openAt, openPath } from '../system/files';
import { AT_FDCWD, ERRNO, SystemError } from '../system/libc';
import { statAt } from '../system/stat';
import { cannotOpen } from './layer';
import { emptyDirectory, openOwned, removeTree, visitTree } from './remove-tree';

/*
 * The marker of a volatile mount (semantics 6): a directory in the workdir that such a mount makes and never removes.
 * While it is there every mount that takes the workdir fails with EINVAL, because after a crash files of the upper may
 * be short, empty or old, and nothing on disk says which.
 */
const MARK = 'volatile';

/** Whether a workdir has the marker. Where its `work` may not be entered, nobody can tell: false. */
export function hasVolatileMark(workdir: ByteString): boolean {
  return typeof statAt(AT_FDCWD, `${workdir}/work/incompat/${MARK}`) !== 'number';
}

/**
 * Takes the marker away: whoever asked for it uses the upper as it is.
 * @throws SystemError where it cannot be removed
 */
export function removeVolatileMark(workdir: ByteString): void {
  const path = `${workdir}/work/incompat`;
  const root = openPath(workdir, O_PATH | O_DIRECTORY);
  try {
    within(root, ['work', 'incompat'], path, (fd) => removeTree(fd, MARK, `${path}/${MARK}`));
  } finally {
    closeFile(root);
  }
}

/** Goes down one name at a time, and no symlink, to where something is removed. */
function within(dirfd: number, names: readonly ByteString[], path: ByteString, use: (fd: number) => void): void {
  const [name, ...rest] = names;
  if (name === undefined) return use(dirfd);
  const fd = openOwned(dirfd, name);
  if (fd === -ERRNO.ENOENT) return;
  if (fd < 0) throw new SystemError(-fd, 'open', path);
  try {
    within(fd, rest, path, use);
  } finally {
    closeFile(fd);
  }
}

/** What is in an upper: names of all kinds, whiteouts among them, and the bytes of its files. */
export interface Survey {
  readonly objects: number;
  readonly bytes: number;
}

/** Counts what `emptyUpper` would take. Throws a Failure where the upper cannot be read. */
export function surveyUpper({ path }: Pick<UpperEntry, 'path'>): Survey {
  const fd = openUpper(path);
  // The upper itself stays.
  let objects = -1;
  let bytes = 0;
  try {
    visitTree(fd, '.', path, ({ stat }) => {
      objects++;
      if ((stat.mode & 0o170000) === 0o100000) bytes += stat.size;
    });
  } finally {
    closeFile(fd);
  }
  return { objects, bytes };
}

/** Removes all that is in an upper, and what mounts have left in its workdir, the marker included. */
export function emptyUpper({ path, workdir }: UpperEntry): void {
  const upper = openUpper(path);
  try {
    emptyDirectory(upper, '.', path);
  } finally {
    closeFile(upper);
  }
  if (workdir === '') return;
  const work = openUpper(workdir);
  try {
    for (const name of ['work', 'index']) removeTree(work, name, `${workdir}/${name}`);
  } finally {
    closeFile(work);
  }
}

function openUpper(path: ByteString): number {
  const fd = openAt(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  if (fd < 0) throw cannotOpen(path, -fd);
  return fd;
}
