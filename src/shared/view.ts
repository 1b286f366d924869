// SPDX-License-Identifier: MIT

/** What the engine tells of a merged tree. Texts are for display; nodes are numbers that main understands. */

export type FileKind = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket';

/**
 * State of a name in the merged view:
 * merged     a directory with more than one component
 * opaque     a directory that hides what lies below it (`overlay.opaque=y`)
 * redirect   found below under another name
 * metacopy   metadata here, data elsewhere
 * captured   a redirect meant for a data-only layer ends in a regular lower (semantics 2.7)
 * whiteout   a name removed by a whiteout (only with hidden entries shown)
 * hidden     exists below but something above hides it (only with hidden entries shown)
 * listed     readdir names it, lookup fails (`error` has the errno)
 */
export type RowFlag = 'merged' | 'opaque' | 'redirect' | 'metacopy' | 'captured' | 'whiteout' | 'hidden' | 'listed';

/** One name of a merged directory. `layer` numbers are positions in `stackOf(composition)`. */
export interface EntryRow {
  readonly node: number;
  readonly name: string;
  readonly kind: FileKind | 'unknown';
  /** Bytes; of a metacopy file the size that stat shows. */
  readonly size: number;
  /** st_mode with the type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since the epoch. */
  readonly mtime: number;
  /** Major and minor number of a device. */
  readonly rdev: readonly [number, number] | null;
  /** A directory's components, or the one layer that gives the metadata. */
  readonly layers: readonly number[];
  /** The layer that gives the data where it is another one (metacopy); null else or when not found. */
  readonly dataLayer: number | null;
  readonly flags: readonly RowFlag[];
  /** Errno name of a failed lookup (`EPERM`, `EIO`, …), or of a data file that open would not find. */
  readonly error: string | null;
}

export type LadderRole =
  | 'metadata'
  | 'data'
  | 'both'
  | 'merged'
  | 'whiteout'
  | 'stops'
  | 'hidden'
  | 'absent'
  | 'passed'
  | 'not-searched'
  | 'error';

/** One layer's part in the resolution of a name, in lookup order. */
export interface LadderStep {
  readonly layer: number;
  readonly role: LadderRole;
  /** Path looked up in that layer. */
  readonly path: string;
  readonly kind: FileKind | null;
  readonly size: number | null;
  /** Marks found on the object, as `redirect=/1e/de17…`, `opaque=y`, `metacopy`. */
  readonly marks: readonly string[];
  /** Why the search went on, stopped or never came here. */
  readonly reason: string;
}

export interface XattrInfo {
  readonly name: string;
  readonly layer: number;
  /** Decoded text of a known value, else printable text or hex. */
  readonly value: string;
  /** Private overlay xattr: the mount does not show it (semantics 1.1). */
  readonly private: boolean;
}

/** Why a path is what it is in the merged view, or why it is not there. */
export interface Explanation {
  readonly path: string;
  readonly visible: boolean;
  /** Errno name that stat(2) gives, null if it succeeds. */
  readonly errno: string | null;
  /** One sentence with the answer. */
  readonly summary: string;
  readonly row: EntryRow | null;
  readonly linkTarget: string | null;
  readonly ladder: readonly LadderStep[];
  readonly xattrs: readonly XattrInfo[];
}

export interface Preview {
  readonly kind: 'text' | 'hex' | 'none';
  /** Text, or lines of `offset  hex  ascii`; for `none` the reason. */
  readonly content: string;
  /** Bytes shown and size of the data file. */
  readonly shown: number;
  readonly size: number;
}
