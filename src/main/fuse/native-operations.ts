// SPDX-License-Identifier: MIT
import type { NativeCall } from './native-call';
import { OPCODE } from './protocol';

/** Operations by fuse-native's own numbers (fuse-native.c). */
export const OP = {
  init: 0,
  statfs: 3,
  getattr: 5,
  fsync: 7,
  fsyncdir: 8,
  readdir: 9,
  truncate: 10,
  utimens: 12,
  readlink: 13,
  chown: 14,
  chmod: 15,
  mknod: 16,
  setxattr: 17,
  getxattr: 18,
  listxattr: 19,
  removexattr: 20,
  open: 21,
  read: 23,
  write: 24,
  release: 25,
  create: 27,
  unlink: 28,
  rename: 29,
  link: 30,
  symlink: 31,
  mkdir: 32,
  rmdir: 33,
} as const;

/** One of them; returns what libfuse's operation returns, a negative errno for an error, or throws a SystemError. */
export type NativeOperation = (call: NativeCall) => number;

/** Operations by the numbers of `OP`. */
export type NativeOperations = readonly (readonly [number, NativeOperation])[];

/** Which FUSE request an operation stands for, where counts are shown. */
export const COUNTED: Readonly<Record<number, number>> = {
  [OP.statfs]: OPCODE.STATFS,
  [OP.getattr]: OPCODE.GETATTR,
  [OP.fsync]: OPCODE.FSYNC,
  [OP.fsyncdir]: OPCODE.FSYNCDIR,
  [OP.readdir]: OPCODE.READDIR,
  [OP.truncate]: OPCODE.SETATTR,
  [OP.utimens]: OPCODE.SETATTR,
  [OP.readlink]: OPCODE.READLINK,
  [OP.chown]: OPCODE.SETATTR,
  [OP.chmod]: OPCODE.SETATTR,
  [OP.mknod]: OPCODE.MKNOD,
  [OP.setxattr]: OPCODE.SETXATTR,
  [OP.getxattr]: OPCODE.GETXATTR,
  [OP.listxattr]: OPCODE.LISTXATTR,
  [OP.removexattr]: OPCODE.REMOVEXATTR,
  [OP.open]: OPCODE.OPEN,
  [OP.read]: OPCODE.READ,
  [OP.write]: OPCODE.WRITE,
  [OP.release]: OPCODE.RELEASE,
  [OP.create]: OPCODE.CREATE,
  [OP.unlink]: OPCODE.UNLINK,
  [OP.rename]: OPCODE.RENAME,
  [OP.link]: OPCODE.LINK,
  [OP.symlink]: OPCODE.SYMLINK,
  [OP.mkdir]: OPCODE.MKDIR,
  [OP.rmdir]: OPCODE.RMDIR,
};
