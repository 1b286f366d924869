// SPDX-License-Identifier: MIT
import koffi from 'koffi';
import { fail, libc } from './libc';

const socketpair = libc.func('int socketpair(int, int, int, void *)');
const recvmsg = libc.func('long recvmsg(int, void *, int)');

const AF_UNIX = 1;
const SOCK_STREAM = 1;

/** Two connected sockets. */
export function socketPair(): [number, number] {
  const pair = Buffer.alloc(8);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) !== 0) fail('socketpair', '');
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/**
 * Receives one descriptor that the other side passes (SCM_RIGHTS, unix(7)).
 * @throws SystemError, or an Error where the message carries none
 */
export function receiveDescriptor(socket: number): number {
  const byte = Buffer.alloc(8);
  const control = Buffer.alloc(64);
  // struct iovec { void *base; size_t len }
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(BigInt(koffi.address(byte)), 0);
  vector.writeBigUInt64LE(1n, 8);
  // struct msghdr { name, namelen, iov, iovlen, control, controllen, flags }
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(BigInt(koffi.address(vector)), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(BigInt(koffi.address(control)), 32);
  message.writeBigUInt64LE(BigInt(control.length), 40);
  if ((recvmsg(socket, message, 0) as number) < 0) fail('recvmsg', '');
  // struct cmsghdr { size_t len; int level; int type } and the descriptor behind it.
  const CMSG_WITH_ONE_FD = 20n;
  if (control.readBigUInt64LE(0) !== CMSG_WITH_ONE_FD) throw new Error('no descriptor came from fusermount3');
  return control.readInt32LE(16);
}
