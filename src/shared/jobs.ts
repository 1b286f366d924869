// SPDX-License-Identifier: MIT
import type { ErrorReport } from './contract';
import type { TransferProgress } from './images';

export type JobKind = 'import' | 'export' | 'push' | 'commit';
export type JobState = 'queued' | 'running' | 'cancelling' | 'cancelled' | 'failed' | 'done';

/** Work on images that goes on whatever the window shows. */
export interface JobInfo {
  readonly id: string;
  readonly kind: JobKind;
  /** What comes or goes: a reference, a file, the name of an image. */
  readonly subject: string;
  /** Where it goes; empty for an import. */
  readonly target: string;
  readonly state: JobState;
  /** Milliseconds since the epoch; null while it is queued. */
  readonly started: number | null;
  readonly ended: number | null;
  readonly progress: TransferProgress | null;
  readonly error: ErrorReport | null;
  /** The digest of the image that came, where one did. */
  readonly image: string | null;
}

/** It has come to its end, one way or the other. */
export const isOver = ({ state }: Pick<JobInfo, 'state'>): boolean =>
  state === 'cancelled' || state === 'failed' || state === 'done';
