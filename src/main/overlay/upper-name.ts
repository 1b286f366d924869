// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Change, ChangeKind, Difference } from '@shared/changes';
import type { FileKind } from '@shared/view';
import { closeFile } from '../system/files';
import { ERRNO, errnoName, SystemError } from '../system/libc';
import { isDirectory, isRegular, type Stat } from '../system/stat';
import { metadataDifferences } from './differences';
import { isDirectoryEntry, realsOf, topOf, type Entry, type Real } from './entry';
import { openData, readLink } from './file-data';
import { rawObject } from './hidden';
import { lookup } from './lookup';
import { overlayXattr } from './overlay-xattr';
import { kindOf } from './rows';
import { sameContent } from './same-content';
import type { OverlayStack } from './stack';

/** A directory of the merged tree that has a part in the upper, as the search for changes sees it. */
export interface Place {
  readonly entry: Entry;
  /** The same directory without its upper: what the lowers alone make of it. */
  readonly below: Entry;
  /** Path in the merged tree, and in the tree of the lowers: a redirect parts the two. The root's is empty. */
  readonly path: ByteString;
  readonly oldPath: ByteString;
}

/** What one name of the upper means. */
export interface UpperName {
  readonly stat: Stat;
  /** Null where it only is the way to what lies in it, or the copy is as the original. */
  readonly change: Change | null;
  /** The lower object that would be here without the upper, and is not; of a directory all components, top first. */
  readonly hides: readonly string[];
  /** The lower object that a redirect brings here from another place. */
  readonly takes: string | null;
  /** A directory of the upper, to look into. */
  readonly inside: Place | null;
}

/** Names an object of a lower layer, wherever the merged tree shows it. */
export const lowerKey = ({ layer, parent, name }: Real): string =>
  `${layer.index}:${parent.path === '/' ? '' : parent.path}/${name}`;

/** What of the lowers is not seen where `below` would be. */
const hiddenKeys = (below: Entry): string[] =>
  (isDirectoryEntry(below) ? realsOf(below) : [topOf(below)]).map(lowerKey);

export const placeAt = (entry: Entry, path: ByteString, oldPath: ByteString): Place => ({
  entry,
  below: { ...entry, upper: null },
  path,
  oldPath,
});

/** Looks up; the errno where that fails. */
function find(stack: OverlayStack, parent: Entry, name: ByteString): Entry | number {
  try {
    return lookup(stack, parent, name);
  } catch (error) {
    if (error instanceof SystemError) return error.errno;
    throw error;
  }
}

const sizeOf = (stat: Stat): number => (isRegular(stat.mode) ? stat.size : 0);

/**
 * What the name `name` of an upper directory changes, by the one lookup done twice: with the upper and without.
 * Yields while files are compared.
 * @param compare whether files of equal size are compared byte by byte; else they count as modified
 * @returns null where the name has vanished meanwhile
 */
export function* readUpperName(
  stack: OverlayStack,
  place: Place,
  name: ByteString,
  compare: boolean,
): Generator<void, UpperName | null> {
  const directory = place.entry.upper!.directory!;
  const raw = rawObject(stack, directory, name);
  if (!raw) return null;
  const below = place.below.lowers.length === 0 ? ERRNO.ENOENT : find(stack, place.below, name);
  const path = `${place.path}/${name}`;
  if (raw.whiteout) return whiteoutName(path, raw.stat, below);
  const entry = find(stack, place.entry, name);
  if (entry === ERRNO.ENOENT) return null;
  if (typeof entry === 'number') return refusedName(path, raw.stat, below, entry);
  // Removed meanwhile, and found in a lower: the next search sees what has become of it.
  if (!entry.upper) return null;
  return yield* new Comparison(stack, place, entry, typeof below === 'number' ? null : below, path).run(compare);
}

function whiteoutName(path: ByteString, stat: Stat, below: Entry | number): UpperName {
  const gone = typeof below === 'number' ? null : topOf(below);
  // What lookup refuses (EPERM, EIO) exists all the same.
  const kind: ChangeKind = below === ERRNO.ENOENT ? 'stray' : 'deleted';
  const type: FileKind | 'unknown' = gone ? kindOf(gone.stat) : kind === 'stray' ? kindOf(stat) : 'unknown';
  const size = gone ? sizeOf(gone.stat) : 0;
  const change: Change = { path, kind, type, size, differs: [], oldPath: null, error: null };
  return { stat, change, hides: typeof below === 'number' ? [] : hiddenKeys(below), takes: null, inside: null };
}

/** An object that the merged tree lists and lookup refuses: a metacopy without its data, a redirect not followed. */
function refusedName(path: ByteString, stat: Stat, below: Entry | number, errno: number): UpperName {
  const kind: ChangeKind = below === ERRNO.ENOENT ? 'added' : 'modified';
  const error = errnoName(errno);
  const change: Change = { path, kind, type: kindOf(stat), size: sizeOf(stat), differs: [], oldPath: null, error };
  return { stat, change, hides: [], takes: null, inside: null };
}

/** An object of the upper against the one that the lowers have: at its place, or where its redirect leads. */
class Comparison {
  private readonly upper: Real;
  /** Merged with, or the metacopy's original. */
  private readonly original: Real | null;

  constructor(
    private readonly stack: OverlayStack,
    private readonly place: Place,
    private readonly entry: Entry,
    private readonly below: Entry | null,
    private readonly path: ByteString,
  ) {
    this.upper = entry.upper!;
    this.original = entry.lowers[0] ?? null;
  }

  *run(compare: boolean): Generator<void, UpperName> {
    const { upper, original, below, entry } = this;
    const covered = below && topOf(below);
    const moved = original !== null && (covered === null || lowerKey(covered) !== lowerKey(original));
    const oldPath = moved ? this.redirectPath() : null;
    const hides = below && (moved || !original) ? hiddenKeys(below) : [];
    const change = moved
      ? this.change(
          'renamed',
          [...this.metadata(original), ...(hides.length === 0 ? [] : ['replaces' as const])],
          oldPath,
        )
      : original
        ? this.metadataChange(original)
        : yield* this.replacement(compare);
    const inside = isDirectoryEntry(entry)
      ? placeAt(entry, this.path, oldPath ?? `${this.place.oldPath}/${entry.name}`)
      : null;
    return { stat: upper.stat, change, hides, takes: moved ? lowerKey(original) : null, inside };
  }

  private change(kind: ChangeKind, differs: readonly Difference[], oldPath: ByteString | null = null): Change {
    const { stat } = this.upper;
    return { path: this.path, kind, type: kindOf(stat), size: sizeOf(stat), differs, oldPath, error: null };
  }

  private metadata(other: Real): Difference[] {
    return metadataDifferences(this.stack, this.upper, other);
  }

  /** A directory is copied up for whatever changes in it; a file never without a reason, be it gone again. */
  private metadataChange(original: Real): Change | null {
    const differs = this.metadata(original);
    if (differs.length === 0 && isDirectory(this.upper.stat.mode)) return null;
    return this.change('metadata', differs);
  }

  /** An object of the upper alone, over nothing or over one that it hides. */
  private *replacement(compare: boolean): Generator<void, Change> {
    if (!this.below) return this.change('added', []);
    const other = topOf(this.below);
    const type = kindOf(this.upper.stat);
    if (type !== kindOf(other.stat)) return this.change('modified', ['type']);
    if (type === 'directory') return this.change('opaque', this.metadata(other));
    const differs = this.metadata(other);
    const data = yield* this.dataDifference(other, compare);
    return data ? this.change('modified', [data, ...differs]) : this.change('metadata', differs);
  }

  private *dataDifference(other: Real, compare: boolean): Generator<void, Difference | null> {
    const { stat } = this.upper;
    switch (kindOf(stat)) {
      case 'symlink':
        return readLink(this.stack, this.entry) === readLink(this.stack, this.below!) ? null : 'target';
      case 'char':
      case 'block':
        return stat.rdevMajor === other.stat.rdevMajor && stat.rdevMinor === other.stat.rdevMinor ? null : 'device';
      case 'file':
        if (!compare || stat.size !== other.stat.size) return 'content';
        return (yield* this.hasSameBytes(stat.size)) ? null : 'content';
      default:
        return null;
    }
  }

  private *hasSameBytes(size: number): Generator<void, boolean> {
    if (size === 0) return true;
    const { stack } = this;
    let ours = -1;
    let theirs = -1;
    try {
      ours = openData(stack, this.entry);
      theirs = openData(stack, this.below!);
      return yield* sameContent(ours, theirs, size);
    } catch (error) {
      // Data that nobody can read cannot be the same.
      if (error instanceof SystemError) return false;
      throw error;
    } finally {
      if (ours >= 0) closeFile(ours);
      if (theirs >= 0) closeFile(theirs);
    }
  }

  /** Where the redirect says that the object was: an absolute path, or another name in the same directory (1.2). */
  private redirectPath(): ByteString {
    const value = overlayXattr(this.stack, this.upper, this.stack.names.redirect)?.split('\0', 1)[0] ?? '';
    return value.startsWith('/') ? value : `${this.place.oldPath}/${value}`;
  }
}
