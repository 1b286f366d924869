// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { FuseDevice } from './device';
import { NOTIFY_INVAL_ENTRY, NOTIFY_INVAL_INODE, OUT_HEADER } from './protocol';
import { Reply } from './reply';

/** Tells the kernel, without being asked, that what it keeps is old. */
export class Notices {
  private readonly message = new Reply(512);

  constructor(private readonly device: FuseDevice) {}

  /** What a name of a directory leads to. Waits for who works in that directory: never for the thread that serves him. */
  nameChanged(parent: number, name: ByteString): void {
    const length = OUT_HEADER + 16 + name.length + 1;
    this.message.header(length, NOTIFY_INVAL_ENTRY, 0, 0);
    this.message.put64(OUT_HEADER, parent);
    this.message.put32(OUT_HEADER + 8, name.length);
    this.message.put32(OUT_HEADER + 12, 0);
    this.message.putBytes(OUT_HEADER + 16, `${name}\0`);
    this.device.send(this.message.bytes, length);
  }

  /** Attributes of a node; its pages stay. */
  attributesChanged(nodeId: number): void {
    const length = OUT_HEADER + 24;
    this.message.header(length, NOTIFY_INVAL_INODE, 0, 0);
    this.message.put64(OUT_HEADER, nodeId);
    // A negative offset: no pages.
    this.message.bytes.fill(0xff, OUT_HEADER + 8, OUT_HEADER + 16);
    this.message.put64(OUT_HEADER + 16, 0);
    // The kernel may have forgotten it meanwhile.
    this.device.send(this.message.bytes, length);
  }
}
