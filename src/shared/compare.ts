// SPDX-License-Identifier: MIT
import type { FileKind } from './view';

/**
 * How a name of the right tree differs from that of the left one:
 * added     the left tree has nothing of that name
 * removed   the right tree has nothing of that name
 * modified  other data, another symlink target or device
 * metadata  the same data with another mode, owner, time or attribute
 * type      an object of another type
 */
export const COMPARE_KINDS = ['added', 'removed', 'modified', 'metadata', 'type'] as const;
export type CompareKind = (typeof COMPARE_KINDS)[number];

/** The letter of a kind, in the window and on the command line. */
export const COMPARE_LETTERS: Readonly<Record<CompareKind, string>> = {
  added: 'A',
  removed: 'D',
  modified: 'M',
  metadata: 'm',
  type: 'T',
};

/** In what two objects of one type differ. `unreadable`: their contents could not be compared. */
export const COMPARED = [
  'content',
  'target',
  'device',
  'mode',
  'owner',
  'group',
  'mtime',
  'xattrs',
  'unreadable',
] as const;
export type Compared = (typeof COMPARED)[number];

export type CompareCounts = Readonly<Record<CompareKind, number>>;

/** What one side has under a name. */
export interface ComparedObject {
  readonly type: FileKind | 'unknown';
  /** Bytes of a regular file, else 0. */
  readonly size: number;
}

/** One line of the tree of changes: a change, or a directory that has some in it. */
export interface CompareRow {
  readonly node: number;
  /** Depth in the tree, 1 at the top. */
  readonly level: number;
  /** For the eye, as is `path`. */
  readonly name: string;
  readonly path: string;
  /** Null for a directory that is the same itself. */
  readonly kind: CompareKind | null;
  readonly left: ComparedObject | null;
  readonly right: ComparedObject | null;
  readonly differs: readonly Compared[];
  /** Changes below it, by kind; null where there can be none. */
  readonly below: CompareCounts | null;
}

export interface CompareSummary {
  readonly counts: CompareCounts;
  /** Sizes of regular files that are there on one side alone. */
  readonly addedBytes: number;
  readonly removedBytes: number;
  /** Sizes of the modified ones, on each side. */
  readonly leftBytes: number;
  readonly rightBytes: number;
  /** Names looked at. */
  readonly names: number;
}

/** One attribute of an object that is not the same on both sides; null where the object, or the attribute, is not there. */
export interface ComparedAttribute {
  readonly name: string;
  readonly left: string | null;
  readonly right: string | null;
}

/** A run of lines around a difference; each line begins with ` `, `-`, `+` or `\` as in a unified diff. */
export interface DiffHunk {
  readonly leftStart: number;
  readonly rightStart: number;
  readonly lines: readonly string[];
}

export type ComparedContent =
  /** `complete` is false where the difference is too large to be shown whole. */
  | { readonly kind: 'text'; readonly hunks: readonly DiffHunk[]; readonly complete: boolean }
  /** The bytes around the first difference, as lines of `offset  hex  ascii`. */
  | { readonly kind: 'bytes'; readonly offset: number; readonly left: string; readonly right: string }
  | { readonly kind: 'none'; readonly why: string };

export interface CompareDetail {
  readonly path: string;
  readonly attributes: readonly ComparedAttribute[];
  readonly content: ComparedContent;
}

export const noCounts = (): Record<CompareKind, number> => ({
  added: 0,
  removed: 0,
  modified: 0,
  metadata: 0,
  type: 0,
});
