// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { cString, lastErrno, libc } from './libc';
import type { Place } from './place';

/* File handles (name_to_handle_at(2)) and the identity of file systems: what `overlay.origin` is made of. */
const nameToHandle = libc.func('int name_to_handle_at(int, const void *, void *, void *, int)');
const openByHandle = libc.func('int open_by_handle_at(int, void *, int)');
const ioctl = libc.func('int ioctl(int, unsigned long, void *)');

const AT_EMPTY_PATH = 0x1000;
const MAX_HANDLE = 128;
/** FS_IOC_GETFSUUID, Linux 6.9: struct fsuuid2 { u8 len; u8 uuid[16] }. */
const FS_IOC_GETFSUUID = 0x80111500;

export interface FileHandle {
  /** `handle_type`: one of the file system's own. */
  readonly type: number;
  readonly bytes: ByteString;
}

const handle = Buffer.alloc(8 + MAX_HANDLE);
const mountId = Buffer.alloc(8);

/** The handle of an object, or the negative errno (-EOPNOTSUPP where the file system has none). */
export function fileHandle(place: Place): FileHandle | number {
  handle.writeUInt32LE(MAX_HANDLE, 0);
  if (nameToHandle(place.fd, cString(place.name), handle, mountId, AT_EMPTY_PATH) !== 0) return -lastErrno();
  const length = handle.readUInt32LE(0);
  return { type: handle.readInt32LE(4), bytes: handle.toString('latin1', 8, 8 + length) };
}

/**
 * Opens what a handle names. Needs CAP_DAC_READ_SEARCH.
 * @param mountFd a descriptor, not O_PATH, on a mount of the handle's file system
 * @returns the descriptor, or the negative errno (-ESTALE where the object is gone)
 */
export function openHandle(mountFd: number, { type, bytes }: FileHandle, flags: number): number {
  const O_CLOEXEC = 0o2000000;
  handle.writeUInt32LE(bytes.length, 0);
  handle.writeInt32LE(type, 4);
  handle.write(bytes, 8, 'latin1');
  const fd = openByHandle(mountFd, handle, flags | O_CLOEXEC) as number;
  return fd < 0 ? -lastErrno() : fd;
}

const uuid = Buffer.alloc(24);
/** What a file system without a UUID counts as. */
export const NULL_UUID: ByteString = '\0'.repeat(16);

/** UUID of the file system that an open file is on, 16 bytes; `NULL_UUID` where it has none or cannot tell. */
export function fileSystemUuid(fd: number): ByteString {
  if (ioctl(fd, FS_IOC_GETFSUUID, uuid) !== 0 || uuid[0] !== 16) return NULL_UUID;
  return uuid.toString('latin1', 1, 17);
}
