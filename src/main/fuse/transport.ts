// SPDX-License-Identifier: MIT
import type { MountSpec } from './mount-record';

/** A mount that is up. */
export interface LiveMount {
  /** Resolves when the file system is unmounted, whoever did it. */
  readonly ended: Promise<void>;
  /** Requests by opcode since the start; index 0 counts errors. */
  readonly counts: Float64Array;
  /** Names the kernel holds. */
  nodes(): number;
}

/** One way to serve a FUSE mount. Resolves when the mount is up; throws a Failure when it cannot be. */
export type Transport = (spec: MountSpec, log: (line: string) => void) => Promise<LiveMount>;
