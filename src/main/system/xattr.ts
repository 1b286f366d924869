// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { cString, ERRNO, fail, lastErrno, libc } from './libc';
import { procPath, type Place } from './place';

/*
 * Extended attributes of a name in an open directory, symlinks not followed; an empty name is the descriptor's object. Kernels since 6.13 have calls for just
 * that; before, the way leads through the directory's entry in /proc.
 */
const listxattrat = libc.func('syscall', 'long', ['long', 'int', 'const void *', 'uint32_t', 'void *', 'size_t']);
const llistxattr = libc.func('long llistxattr(const void *, void *, size_t)');
const listxattr = libc.func('long listxattr(const void *, void *, size_t)');
const getxattr = libc.func('long getxattr(const void *, const void *, void *, size_t)');
const lgetxattr = libc.func('long lgetxattr(const void *, const void *, void *, size_t)');
const lsetxattr = libc.func('int lsetxattr(const void *, const void *, const void *, size_t, int)');
const fgetxattr = libc.func('long fgetxattr(int, const void *, void *, size_t)');

const SYS_LISTXATTRAT = 465;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** XATTR_LIST_MAX and XATTR_SIZE_MAX of the kernel. */
const buffer = Buffer.alloc(65536);

let hasListxattrat = true;

function listInto(dirfd: number, name: ByteString): number {
  // An O_PATH descriptor alone is not taken by the call.
  if (hasListxattrat && name !== '') {
    const length = listxattrat(
      SYS_LISTXATTRAT,
      dirfd,
      cString(name),
      AT_SYMLINK_NOFOLLOW,
      buffer,
      buffer.length,
    ) as number;
    if (length >= 0 || lastErrno() !== ERRNO.ENOSYS) return length;
    hasListxattrat = false;
  }
  const list = name === '' ? listxattr : llistxattr;
  return list(cString(procPath({ fd: dirfd, name })), buffer, buffer.length) as number;
}

const NONE: readonly ByteString[] = [];
const NOTHING = Buffer.alloc(0);

/**
 * Names of the extended attributes, or the negative errno. A file system without attributes has none. What the caller
 * may not see (`trusted.*` without CAP_SYS_ADMIN) is not listed.
 */
export function listXattrsAt(dirfd: number, name: ByteString): readonly ByteString[] | number {
  const length = listInto(dirfd, name);
  if (length === 0) return NONE;
  if (length < 0) {
    const errno = lastErrno();
    return errno === ERRNO.EOPNOTSUPP || errno === ERRNO.ENODATA ? NONE : -errno;
  }
  return buffer.toString('latin1', 0, length - 1).split('\0');
}

/** Value of one attribute as a byte string, or the negative errno (-ENODATA where there is none). */
export function getXattrAt(dirfd: number, name: ByteString, attribute: ByteString): ByteString | number {
  // The entry of a descriptor in /proc is a link that leads to the very object, be it a symlink itself.
  const get = name === '' ? getxattr : lgetxattr;
  const path = cString(procPath({ fd: dirfd, name }));
  const length = get(path, cString(attribute, 1), buffer, buffer.length) as number;
  return length < 0 ? -lastErrno() : buffer.toString('latin1', 0, length);
}

/** Value of an attribute of an open file or directory, or the negative errno. */
export function getXattrFd(fd: number, attribute: ByteString): ByteString | number {
  const length = fgetxattr(fd, cString(attribute, 1), buffer, buffer.length) as number;
  return length < 0 ? -lastErrno() : buffer.toString('latin1', 0, length);
}

const fsetxattr = libc.func('int fsetxattr(int, const void *, const void *, size_t, int)');
const setxattr = libc.func('int setxattr(const void *, const void *, const void *, size_t, int)');
const removexattr = libc.func('int removexattr(const void *, const void *)');
const lremovexattr = libc.func('int lremovexattr(const void *, const void *)');

/**
 * Sets an attribute. Returns 0 or the negative errno.
 * @param flags XATTR_CREATE, XATTR_REPLACE or 0 (setxattr(2))
 */
export function setXattrAt(place: Place, attribute: ByteString, value: ByteString, flags = 0): number {
  const bytes = value === '' ? NOTHING : Buffer.from(value, 'latin1');
  if (place.name === '') {
    if (fsetxattr(place.fd, cString(attribute), bytes, bytes.length, flags) === 0) return 0;
    // One of O_PATH is not taken; the way through /proc is longer.
    if (lastErrno() !== ERRNO.EBADF) return -lastErrno();
  }
  const set = place.name === '' ? setxattr : lsetxattr;
  return set(cString(procPath(place)), cString(attribute, 1), bytes, bytes.length, flags) === 0 ? 0 : -lastErrno();
}

/** Removes an attribute. Returns 0 or the negative errno (-ENODATA where there is none). */
export function removeXattrAt(place: Place, attribute: ByteString): number {
  const remove = place.name === '' ? removexattr : lremovexattr;
  return remove(cString(procPath(place)), cString(attribute, 1)) === 0 ? 0 : -lastErrno();
}

/** Sets an attribute of a path of our own making. Throws a SystemError. */
export function setXattr(path: ByteString, attribute: ByteString, value: ByteString): void {
  const bytes = Buffer.from(value, 'latin1');
  if (lsetxattr(cString(path), cString(attribute, 1), bytes, bytes.length, 0) !== 0) fail('lsetxattr', path);
}
