// SPDX-License-Identifier: MIT
import type { ByteString } from './bytes';
import type { FileKind } from './view';

/**
 * What an upper changes of the tree that its lowers make:
 * added     nothing of that name lies below
 * modified  other data, another type, another symlink target or device
 * metadata  a metacopy, or the data are those below; `differs` says what is not
 * deleted   a whiteout over something that exists below
 * renamed   a redirect brings it from another place; the whiteout there belongs to it
 * opaque    an opaque directory that hides the content of the one below
 * stray     a whiteout over nothing
 */
export const CHANGE_KINDS = ['added', 'modified', 'metadata', 'deleted', 'renamed', 'opaque', 'stray'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** The letter of a kind, in the window and on the command line. */
export const CHANGE_LETTERS: Readonly<Record<ChangeKind, string>> = {
  added: 'A',
  modified: 'M',
  metadata: 'm',
  deleted: 'D',
  renamed: 'R',
  opaque: 'O',
  stray: 'W',
};

/**
 * In what a changed object is not the one below. `replaces`: renamed onto a name that exists below; `link`: one more
 * name of a file that is still in its old place too.
 */
export type Difference =
  'type' | 'content' | 'target' | 'device' | 'mode' | 'owner' | 'group' | 'mtime' | 'xattrs' | 'replaces' | 'link';

export interface Change {
  /** In the merged tree, which is also its path in the upper. */
  readonly path: ByteString;
  readonly kind: ChangeKind;
  /** Of what the upper has; for a deletion, of what it hides. `unknown` where lookup refuses that. */
  readonly type: FileKind | 'unknown';
  /** Bytes of a regular file, as `type` means it; 0 else. */
  readonly size: number;
  readonly differs: readonly Difference[];
  /** Where a renamed object is in the tree of the lowers. */
  readonly oldPath: ByteString | null;
  /** Errno name, where the object cannot be looked up or into. */
  readonly error: string | null;
}

export type ChangeCounts = Readonly<Record<ChangeKind, number>>;

export function countChanges(changes: Iterable<Pick<Change, 'kind'>>): ChangeCounts {
  const counts: Record<ChangeKind, number> = {
    added: 0,
    modified: 0,
    metadata: 0,
    deleted: 0,
    renamed: 0,
    opaque: 0,
    stray: 0,
  };
  for (const { kind } of changes) counts[kind]++;
  return counts;
}

/** One change that is to be undone, and all that this takes away from the upper. */
export interface DiscardItem {
  readonly path: ByteString;
  readonly kind: ChangeKind;
  readonly oldPath: ByteString | null;
  /** Paths in the upper that go, directories with all that is in them; whiteouts too. */
  readonly removes: readonly ByteString[];
  /** A directory that stays, and gets the owner, the mode and the attributes of the one below. */
  readonly restores: boolean;
  /** Files, directories and other objects that go; whiteouts are counted apart. */
  readonly objects: number;
  readonly whiteouts: number;
  /** Sizes of the regular files that go. */
  readonly bytes: number;
}

/** Exactly what a discard takes away. `token` stands for all of it: what has changed since is not discarded unseen. */
export interface DiscardPlan {
  readonly items: readonly DiscardItem[];
  readonly objects: number;
  readonly whiteouts: number;
  readonly bytes: number;
  readonly token: string;
}
