// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Change } from '@shared/changes';
import { Failure } from '@shared/failure';
import { ERRNO, SystemError } from '../system/libc';
import { statAt, type Stat } from '../system/stat';
import { listXattrsAt } from '../system/xattr';
import { metadataDifferences } from './differences';
import { realsOf } from './entry';
import { readReal } from './readdir';
import { inodeKey } from './inode-key';
import { reading } from './reading';
import type { OverlayStack } from './stack';
import { lowerKey, placeAt, readUpperName, type Place, type UpperName } from './upper-name';

/** A name as it was last seen. */
export interface SeenName extends UpperName {
  /** Its ctime was old when it was looked at: an object with equal times is then unchanged. */
  readonly settled: boolean;
  readonly folder: SeenFolder | null;
}

/** A directory of the upper as it was last seen, its names in order of bytes. */
export interface SeenFolder {
  place: Place;
  stat: Stat | null;
  settled: boolean;
  names: Map<ByteString, SeenName>;
  /** Why it cannot be looked into. */
  error: string | null;
}

/** Names looked at between two pauses. */
const SLICE = 32;
/** The clock of file times may stand still for as long as a tick; generous, for clocks of servers. */
const TICK_MS = 100;

const isGone = (error: unknown): boolean =>
  error instanceof SystemError &&
  (error.errno === ERRNO.ENOENT || error.errno === ERRNO.ENOTDIR || error.errno === ERRNO.ESTALE);

const isSame = (a: Stat, b: Stat): boolean =>
  a.ctime === b.ctime &&
  a.ctimeNs === b.ctimeNs &&
  a.inoLow === b.inoLow &&
  a.inoHigh === b.inoHigh &&
  a.size === b.size &&
  a.mtime === b.mtime &&
  a.mtimeNs === b.mtimeNs;

const isSettled = (stat: Stat): boolean => stat.ctime * 1000 + stat.ctimeNs / 1e6 < Date.now() - TICK_MS;

/**
 * Finds what the upper of a stack changes, again and again. A directory is listed anew only where its times have moved,
 * and a name is looked up anew only where its own have: whatever changes an object or a directory moves its ctime. The
 * lowers are taken to stay as they are. A mount may write the upper meanwhile: what vanishes is passed over.
 */
export class ChangeScan {
  readonly root: SeenFolder;
  /** Of the root of the tree itself. */
  rootChange: Change | null = null;
  /** Names seen so far in the search that is running, or in the last. */
  seen = 0;
  private readonly stack: OverlayStack;
  private changed = false;

  /**
   * @param stack   an open stack with an upper
   * @param compare whether files of equal size are compared byte by byte
   * @throws Failure where the stack has no upper
   */
  constructor(
    stack: OverlayStack,
    private readonly compare = true,
  ) {
    this.stack = reading(stack);
    if (!stack.root.upper) {
      throw new Failure('no-upper', 'The stack has no upper: nothing can have changed.', 'Set an upper layer.');
    }
    this.root = folderOf(placeAt(stack.root, '', ''));
  }

  /**
   * One search through the whole upper, in slices: run it to its end, at whatever pace.
   * @returns whether it found anything new
   * @throws SystemError where the upper itself cannot be read any more
   */
  *run(): Generator<void, boolean> {
    this.seen = 0;
    this.changed = false;
    this.lookAtRoot();
    if (!(yield* this.walk(this.root))) {
      const { path } = this.root.place.entry.upper!.layer;
      throw new SystemError(ERRNO.ENOENT, 'opendir', path);
    }
    return this.changed;
  }

  private lookAtRoot(): void {
    const { root, directories } = this.stack;
    const fd = directories.fdOf(root.upper!.directory!);
    const stat = statAt(fd, '.');
    const xattrs = listXattrsAt(fd, '.');
    if (typeof stat === 'number' || typeof xattrs === 'number') return;
    const differs = metadataDifferences(this.stack, { ...root.upper!, stat, xattrs }, root.lowers[0]!);
    const before = this.rootChange?.differs.join() ?? '';
    if (before === differs.join()) return;
    this.changed = true;
    this.rootChange =
      differs.length === 0
        ? null
        : { path: '/', kind: 'metadata', type: 'directory', size: 0, differs, oldPath: null, error: null };
  }

  /** Goes through a directory. False where it has vanished. */
  private *walk(folder: SeenFolder): Generator<void, boolean> {
    try {
      if (!this.list(folder)) return false;
    } catch (error) {
      if (isGone(error)) return false;
      if (!(error instanceof SystemError)) throw error;
      this.changed ||= folder.error !== error.code;
      folder.error = error.code;
      folder.names.clear();
      return true;
    }
    for (const name of [...folder.names.keys()]) {
      if (++this.seen % SLICE === 0) yield;
      const seen = yield* this.look(folder, name);
      if (!seen) {
        folder.names.delete(name);
        this.changed = true;
      } else {
        folder.names.set(name, seen);
      }
    }
    return true;
  }

  /** Brings the names of a directory up to date, as far as they come and go. */
  private list(folder: SeenFolder): boolean {
    const directory = folder.place.entry.upper!.directory!;
    const stat = statAt(this.stack.directories.fdOf(directory), '.');
    if (typeof stat === 'number') throw new SystemError(-stat, 'stat', directory.path);
    if (folder.stat && folder.settled && isSame(folder.stat, stat)) return true;
    const listed = readReal(this.stack, directory)
      .map(({ name }) => name)
      .filter((name) => name !== '.' && name !== '..')
      .sort((a, b) => (a < b ? -1 : 1));
    const before = folder.names;
    // A name not seen yet has its place in the order; it is looked at next.
    folder.names = new Map(listed.map((name) => [name, before.get(name) ?? UNSEEN]));
    for (const name of before.keys()) if (!folder.names.has(name)) this.changed = true;
    folder.stat = stat;
    folder.settled = isSettled(stat);
    folder.error = null;
    return true;
  }

  private *look(folder: SeenFolder, name: ByteString): Generator<void, SeenName | null> {
    const known = folder.names.get(name)!;
    try {
      const directory = folder.place.entry.upper!.directory!;
      const stat = statAt(this.stack.directories.fdOf(directory), name);
      if (typeof stat === 'number') return null;
      const fresh = known.settled && isSame(known.stat, stat) ? known : yield* this.read(folder.place, name, known);
      if (!fresh?.folder) return fresh;
      return (yield* this.walk(fresh.folder)) ? fresh : null;
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }

  private *read(place: Place, name: ByteString, known: SeenName): Generator<void, SeenName | null> {
    const found = yield* readUpperName(this.stack, place, name, this.compare);
    if (!found) return null;
    if (!sameMeaning(known, found)) this.changed = true;
    const folder = found.inside && (keptFolder(known, found) ?? folderOf(found.inside));
    return { ...found, settled: isSettled(found.stat), folder };
  }
}

const folderOf = (place: Place): SeenFolder => ({
  place,
  stat: null,
  settled: false,
  names: new Map(),
  error: null,
});

/** Stands for a name that was listed and not looked at. */
const UNSEEN = {
  stat: {} as Stat,
  change: null,
  hides: [],
  takes: null,
  inside: null,
  settled: false,
  folder: null,
} as const satisfies SeenName;

const sameMeaning = (a: UpperName, b: UpperName): boolean =>
  a.takes === b.takes && JSON.stringify([a.hides, a.change]) === JSON.stringify([b.hides, b.change]);

/**
 * What was seen in a directory still holds where it is the same one and merges with the same lowers: then only its own
 * attributes or names have changed.
 */
function keptFolder(known: SeenName, found: UpperName): SeenFolder | null {
  const { folder } = known;
  if (!folder || !found.inside || inodeKey(known.stat) !== inodeKey(found.stat)) return null;
  const components = ({ entry }: Place): string => realsOf(entry).map(lowerKey).join('\n');
  if (components(folder.place) !== components(found.inside) || folder.place.oldPath !== found.inside.oldPath)
    return null;
  folder.place = found.inside;
  return folder;
}

/** A name at its path, as the search found it. */
export interface FoundName extends SeenName {
  readonly path: ByteString;
}

/** All names that were seen, in the order of a walk: a directory before what is in it. */
export function* foundNames(folder: SeenFolder): Generator<FoundName> {
  for (const [name, seen] of folder.names) {
    if (seen === UNSEEN) continue;
    yield { ...seen, path: `${folder.place.path}/${name}` };
    if (seen.folder) yield* foundNames(seen.folder);
  }
}
