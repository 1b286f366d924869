// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { tryRemoveTree } from '../layers/remove-tree';
import {
  closeFile,
  createAt,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  openAt,
  readDirectory,
} from '../system/files';
import { ERRNO, errnoName, SystemError } from '../system/libc';
import { makeDirectoryAt } from '../system/names';
import { changeMode } from '../system/attributes';
import { isDirectory, statAt } from '../system/stat';
import { removeXattrAt, setXattrAt } from '../system/xattr';
import type { OverlayXattrs } from './xattr-names';

/** `work/`, in which objects are built, and what marks it as that of a volatile mount (semantics 1.6, 6). */
const WORK = 'work';
const INDEX = 'index';
const INCOMPAT = 'incompat';

/** The kernel's own have none at all; without CAP_DAC_OVERRIDE we could not use such a directory. */
const MODE = process.getuid?.() === 0 ? 0 : 0o700;

/**
 * Makes `work/` anew: what a crash left in it goes.
 * @param workFd the workdir that the user named
 * @returns a readable descriptor of it
 * @throws Failure EINVAL where an earlier mount marked it (volatile), EROFS and others where it cannot be made
 */
export function prepareWork(workFd: number, workdir: ByteString, volatile: boolean): number {
  refuseIncompatible(workFd, workdir);
  check(tryRemoveTree(workFd, WORK), workdir, 'cannot be cleared');
  check(makeDirectoryAt(workFd, WORK, MODE), workdir, 'cannot be made');
  const fd = check(openAt(workFd, WORK, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), workdir, 'cannot be opened');
  dropAcls(workFd, WORK);
  if (volatile) markVolatile(fd, workdir);
  return fd;
}

/** Opens or makes `index/`. Returns a readable descriptor. */
export function openIndex(workFd: number, workdir: ByteString): number {
  const made = makeDirectoryAt(workFd, INDEX, MODE);
  if (made !== -ERRNO.EEXIST) check(made, workdir, 'cannot take an index');
  const fd = check(
    openAt(workFd, INDEX, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
    workdir,
    'has an index that cannot be opened',
  );
  if (made === 0) dropAcls(workFd, INDEX);
  return fd;
}

/** A default ACL of the workdir would go to everything that is built in it. */
function dropAcls(workFd: number, name: ByteString): void {
  for (const acl of ['system.posix_acl_default', 'system.posix_acl_access']) removeXattrAt({ fd: workFd, name }, acl);
  changeMode({ fd: workFd, name }, MODE);
}

/**
 * An entry in `work/incompat/` says that a mount left the upper in a state that others must not take for granted.
 * @throws Failure EINVAL, as the kernel refuses it (semantics 1.6)
 */
function refuseIncompatible(workFd: number, workdir: ByteString): void {
  const [feature] = incompatibleFeatures(workFd);
  if (feature === undefined) return;
  const mark = `${workdir}/${WORK}/${INCOMPAT}/${feature}`;
  throw new Failure(
    'EINVAL',
    feature === 'volatile'
      ? `The workdir ${display(workdir)} is that of a volatile mount: after a crash its upper may be damaged.`
      : `The workdir ${display(workdir)} is marked with the feature ${display(feature)}, which Lamina does not know.`,
    feature === 'volatile'
      ? `If the machine did not crash while it was mounted, or you can do without what was lost, remove ${display(mark)}; else take a new upper and workdir.`
      : 'Mount it with the program that wrote it, or take a new workdir.',
  );
}

/** Names in `work/incompat/`. */
export function incompatibleFeatures(workFd: number): ByteString[] {
  const fd = openAt(workFd, `${WORK}/${INCOMPAT}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) return [];
  try {
    return readDirectory(fd, INCOMPAT)
      .map(({ name }) => name)
      .filter((name) => name !== '.' && name !== '..');
  } finally {
    closeFile(fd);
  }
}

function markVolatile(fd: number, workdir: ByteString): void {
  for (const path of [INCOMPAT, `${INCOMPAT}/volatile`])
    check(makeDirectoryAt(fd, path, MODE), workdir, 'cannot be marked as volatile');
  closeFile(check(createAt(fd, `${INCOMPAT}/volatile/dirty`, O_CREAT | O_WRONLY, 0), workdir, 'cannot be marked'));
}

/** Whether the upper's file system keeps the overlay's attributes for us; without them no upper can be written. */
export function checkXattrs(workFd: number, workdir: ByteString, names: OverlayXattrs): void {
  const place = { fd: workFd, name: WORK };
  const result = setXattrAt(place, names.opaque, '0');
  if (result < 0) {
    const namespace = names.prefix.split('.', 1)[0];
    throw new Failure(
      errnoName(-result),
      `The file system of ${display(workdir)} takes no ${namespace}.* attributes from us (${errnoName(-result)}).`,
      namespace === 'trusted'
        ? 'Mount as root, or with the option userxattr.'
        : 'Put upper and workdir on a file system with extended attributes.',
    );
  }
  removeXattrAt(place, names.opaque);
}

function check(result: number, workdir: ByteString, what: string): number {
  if (result >= 0) return result;
  const code = new SystemError(-result, '', workdir).code;
  if (result === -ERRNO.EROFS) {
    throw new Failure(
      code,
      `The upper and its workdir ${display(workdir)} are on a read-only file system (${code}).`,
      'Make it writable (mount -o remount,rw), or mount the stack read-only: -o ro.',
    );
  }
  throw new Failure(
    code,
    `The workdir ${display(workdir)} ${what} (${code}).`,
    'Choose an empty folder of your own on the file system of the upper.',
  );
}

/** Whether a name in the workdir is a directory. */
export const hasDirectory = (workFd: number, name: ByteString): boolean => {
  const stat = statAt(workFd, name);
  return typeof stat !== 'number' && isDirectory(stat.mode);
};
