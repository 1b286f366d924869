// SPDX-License-Identifier: MIT
import type { ByteString } from './bytes';

/**
 * What became of a file that a layer stores and the finished tree does not show:
 * overwritten  a layer above has other data under its name
 * deleted      a whiteout, an opaque directory or an object of another type hides it
 * copied       a layer above stores the same data again, with other metadata
 */
export const HIDINGS = ['overwritten', 'deleted', 'copied'] as const;
export type Hiding = (typeof HIDINGS)[number];

/** One layer's part in the space of a stack. Bytes are those of regular files, an inode counted once. */
export interface LayerSpace {
  /** Position in the stack, 0 the lowest. */
  readonly layer: number;
  readonly addedBytes: number;
  readonly files: number;
  readonly directories: number;
  /** Symbolic links, devices, pipes, sockets. */
  readonly others: number;
  readonly whiteouts: number;
  readonly opaques: number;
  /** Files with metadata alone, whose data are below (`overlay.metacopy`). */
  readonly metacopies: number;
  /** Of its own bytes those that layers above hide: nobody sees them, and they are kept and sent all the same. */
  readonly hiddenBytes: number;
  /** Bytes of the layers below that it hides. */
  readonly hides: Readonly<Record<Hiding, number>>;
}

/** A regular file as one layer stores it. */
export interface StoredFile {
  readonly path: ByteString;
  readonly layer: number;
  readonly bytes: number;
  /** Null while the finished tree shows it. */
  readonly hidden: { readonly by: number; readonly how: Hiding } | null;
}

/** A path that dive counts as inefficient: stored, or removed, at least twice. */
export interface InefficientPath {
  readonly path: ByteString;
  readonly count: number;
  /** Bytes of all its stored forms. */
  readonly bytes: number;
}

/** Files of one content, each an inode of its own. */
export interface Duplicates {
  readonly bytes: number;
  readonly files: readonly Pick<StoredFile, 'path' | 'layer'>[];
  /** Bytes that one copy alone would save. */
  readonly spare: number;
}

/** dive's numbers, by dive's rules (see `efficiency.ts`). */
export interface Efficiency {
  /** 0 to 1. */
  readonly score: number;
  /** Bytes of all layers, and of all but the lowest. */
  readonly sizeBytes: number;
  readonly userBytes: number;
  readonly wastedBytes: number;
  /** `wastedBytes / userBytes`: NaN where both are 0, Infinity where only `userBytes` is. */
  readonly userWastedPercent: number;
}

export interface AnalysisTotals {
  readonly layers: readonly LayerSpace[];
  readonly efficiency: Efficiency;
  readonly storedBytes: number;
  readonly visibleBytes: number;
  readonly spareBytes: number;
  /** Files whose content could not be read, and so has no duplicates. */
  readonly unreadable: number;
}

export interface Analysis extends AnalysisTotals {
  /** Most bytes first. */
  readonly inefficient: readonly InefficientPath[];
  readonly biggest: readonly StoredFile[];
  readonly hidden: readonly StoredFile[];
  readonly duplicates: readonly Duplicates[];
}

export interface AnalysisProgress {
  readonly phase: 'walking' | 'comparing';
  /** Names looked at. */
  readonly names: number;
  /** Bytes read for comparing, and bytes to read. */
  readonly bytes: number;
  readonly total: number;
}
