// SPDX-License-Identifier: MIT
import type { Stat } from '../system/stat';
import type { OverlayStack } from './stack';

/** A 64-bit inode number in two halves. */
export interface InodeNumber {
  readonly low: number;
  readonly high: number;
}

/**
 * Inode numbers of the merged tree: one device, so numbers of different file systems must not meet. Layers on one file
 * system keep their own numbers; else the file system's index goes into the high bits, as `xino=on` does (semantics
 * 3.4). A number that needs those bits itself gets one of ours, good for the life of the mount.
 */
export class InodeNumbers {
  private readonly fileSystems = new Map<number, number>();
  private readonly bits: number;
  private readonly assigned = new Map<string, number>();

  constructor(stack: OverlayStack) {
    for (const { rootStat, lane } of stack.layers) if (lane !== 'data') this.indexOf(rootStat);
    // One index more, for numbers of our own. A single file system needs no bits at all.
    this.bits = this.fileSystems.size === 1 ? 0 : Math.ceil(Math.log2(this.fileSystems.size + 1));
  }

  /** The number shown for an object with this stat. */
  of(stat: Stat): InodeNumber {
    const index = this.indexOf(stat);
    if (this.bits === 0 && index === 0) return { low: stat.inoLow, high: stat.inoHigh };
    const bits = Math.max(this.bits, 1);
    if (stat.inoHigh >>> (32 - bits) !== 0 || index >= 2 ** bits - 1) return this.ownNumber(stat, bits);
    return { low: stat.inoLow, high: (stat.inoHigh | (index << (32 - bits))) >>> 0 };
  }

  private indexOf(stat: Stat): number {
    const device = stat.devMajor * 0x1_0000_0000 + stat.devMinor;
    const known = this.fileSystems.get(device);
    if (known !== undefined) return known;
    this.fileSystems.set(device, this.fileSystems.size);
    return this.fileSystems.size - 1;
  }

  private ownNumber(stat: Stat, bits: number): InodeNumber {
    const key = `${stat.devMajor}:${stat.devMinor}:${stat.inoHigh}:${stat.inoLow}`;
    let number = this.assigned.get(key);
    if (number === undefined) {
      number = this.assigned.size + 1;
      this.assigned.set(key, number);
    }
    return { low: number, high: ((2 ** bits - 1) << (32 - bits)) >>> 0 };
  }
}
