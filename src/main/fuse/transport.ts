// SPDX-License-Identifier: MIT
import type { DiscardOrder } from './live-discard';
import type { MountSpec } from './mount-record';

/** What a mount has done since its start. Data that the kernel moves by itself (passthrough) are not counted. */
export interface Activity {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly copyUps: number;
  readonly copyUpBytes: number;
}

/** A mount that is up. */
export interface LiveMount {
  /** Resolves when the file system is unmounted, whoever did it. */
  readonly ended: Promise<void>;
  /** Requests by opcode since the start; index 0 counts errors. */
  readonly counts: Float64Array;
  /** Names the kernel holds. */
  nodes(): number;
  activity(): Activity;
  /** Undoes changes of the upper; null where the transport cannot make the kernel forget what it knows. */
  readonly discard: ((order: DiscardOrder) => Promise<void>) | null;
}

/** One way to serve a FUSE mount. Resolves when the mount is up; throws a Failure when it cannot be. */
export type Transport = (spec: MountSpec, log: (line: string) => void) => Promise<LiveMount>;
