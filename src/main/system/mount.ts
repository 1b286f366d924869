// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { AT_FDCWD, cString, fail, lastErrno, libc } from './libc';

const mountCall = libc.func('int mount(const void *, const void *, const void *, unsigned long, const void *)');
const umount2 = libc.func('int umount2(const void *, int)');
const openTreeCall = libc.func('syscall', 'long', ['long', 'int', 'const void *', 'uint32_t']);

const SYS_OPEN_TREE = 428;
const OPEN_TREE_CLONE = 1;
const O_CLOEXEC = 0o2000000;

export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MS_NOEXEC = 8;
export const MS_NOATIME = 1024;
export const MS_NODIRATIME = 2048;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/** mount(2). `data` is the file system's option string. Throws a SystemError about the mount point. */
export function mount(source: string, target: ByteString, type: string, flags: number, data: ByteString): void {
  const sourceText = Buffer.from(`${source}\0`);
  const typeText = Buffer.from(`${type}\0`);
  if (mountCall(sourceText, cString(target), typeText, flags, cString(data, 1)) !== 0) fail('mount', target);
}

/** umount2(2); `lazy` detaches at once and cleans up when no longer busy. Returns 0 or the negative errno. */
export function unmount(target: ByteString, lazy: boolean): number {
  return umount2(cString(target), UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) === 0 ? 0 : -lastErrno();
}

/**
 * A private copy of the mount that `path` is on, rooted at `path` and without what is mounted below it: just what the
 * kernel's overlayfs makes of a layer. Needs CAP_SYS_ADMIN. Returns the O_PATH descriptor, or the negative errno.
 */
export function clonePrivateMount(path: ByteString): number {
  const fd = openTreeCall(SYS_OPEN_TREE, AT_FDCWD, cString(path), OPEN_TREE_CLONE | O_CLOEXEC) as number;
  return fd < 0 ? -lastErrno() : fd;
}
