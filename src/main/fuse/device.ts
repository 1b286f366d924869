// SPDX-License-Identifier: MIT
import { ERRNO, lastErrno, libc } from '../system/libc';

const read = libc.func('long read(int, void *, size_t)');
const write = libc.func('long write(int, const void *, size_t)');
const poll = libc.func('int poll(void *, unsigned long, int)');
const ioctl = libc.func('int ioctl(int, unsigned long, void *)');

const POLLIN = 1;

/**
 * Reads before sleeping: a request that follows a reply at once is then taken without a wake-up, which costs more than
 * the request itself. Some tens of microseconds; more brings nothing.
 */
const SPINS = 64;
/**
 * Where fewer of these waits than one in so many find a request, they only take the processor from the program that
 * asks, and we go to sleep at once.
 */
const WORTHWHILE = 1 / 5;
/** … but now and then look whether that is still so. */
const PROBE_EVERY = 16;
/** Weight of the latest wait in the share of those that found something. */
const RECENT = 1 / 32;

const FUSE_DEV_IOC_BACKING_OPEN = 0x4010e501;
const FUSE_DEV_IOC_BACKING_CLOSE = 0x4004e502;

/** The FUSE device of one mount, non-blocking. */
export class FuseDevice {
  /** Two struct pollfd: the device, and what wakes us for other work. */
  private readonly pollfd = Buffer.alloc(16);
  private readonly backing = Buffer.alloc(16);
  private readonly backingId = Buffer.alloc(4);
  /** Share of the waits that found a request before they slept. */
  private found = 0.5;
  private waits = 0;

  /**
   * @param wakeFd a socket, non-blocking, that is written to when there is work beside requests; -1 for none
   * @param wake   does that work
   */
  constructor(
    private readonly fd: number,
    private readonly wakeFd = -1,
    private readonly wake: () => void = () => undefined,
  ) {
    this.pollfd.writeInt32LE(fd, 0);
    this.pollfd.writeInt16LE(POLLIN, 4);
    this.pollfd.writeInt32LE(wakeFd, 8);
    this.pollfd.writeInt16LE(POLLIN, 12);
  }

  /** Whoever woke us has written a byte for it. */
  private takeWake(): void {
    if ((this.pollfd.readInt16LE(14) & POLLIN) === 0) return;
    const byte = Buffer.alloc(64);
    read(this.wakeFd, byte, byte.length);
    this.wake();
  }

  /**
   * Waits for the next request. Returns its length, or 0 when the file system was unmounted.
   * @param idle does a small piece of other work; false where there is none
   */
  receive(buffer: Buffer, idle: () => boolean): number {
    for (;;) {
      const length = this.tryReceive(buffer);
      if (length >= 0) return length;
      if (!idle()) break;
    }
    for (;;) {
      const length = this.spin(buffer);
      if (length >= 0) return length;
      poll(this.pollfd, 2, -1);
      this.takeWake();
    }
  }

  /** Reads again and again for a moment, where that pays. As `tryReceive`. */
  private spin(buffer: Buffer): number {
    if (this.found < WORTHWHILE && ++this.waits % PROBE_EVERY !== 0) return this.tryReceive(buffer);
    for (let left = SPINS; left > 0; left--) {
      const length = this.tryReceive(buffer);
      if (length < 0) continue;
      this.found += (1 - this.found) * RECENT;
      return length;
    }
    this.found -= this.found * RECENT;
    return -1;
  }

  /** Returns the request's length, 0 after the unmount, -1 where none is waiting. */
  private tryReceive(buffer: Buffer): number {
    const length = read(this.fd, buffer, buffer.length) as number;
    if (length > 0) return length;
    const errno = lastErrno();
    if (errno === ERRNO.ENODEV) return 0;
    // ENOENT: the request was taken back before it was read.
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR || errno === ERRNO.ENOENT) return -1;
    throw new Error(`reading /dev/fuse failed with errno ${errno}`);
  }

  /** Sends a reply or notification. ENOENT means that nobody waits for it any more. Returns the errno, 0 for success. */
  send(buffer: Buffer, length: number): number {
    return (write(this.fd, buffer, length) as number) < 0 ? lastErrno() : 0;
  }

  /** Registers an open file for passthrough. Returns its id, or the negative errno where that cannot be. */
  openBacking(fd: number): number {
    this.backing.fill(0);
    this.backing.writeInt32LE(fd, 0);
    const id = ioctl(this.fd, FUSE_DEV_IOC_BACKING_OPEN, this.backing) as number;
    return id > 0 ? id : -lastErrno();
  }

  closeBacking(id: number): void {
    this.backingId.writeUInt32LE(id, 0);
    ioctl(this.fd, FUSE_DEV_IOC_BACKING_CLOSE, this.backingId);
  }
}
