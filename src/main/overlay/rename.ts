// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ERRNO, must, SystemError } from '../system/libc';
import { renameAt, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from '../system/names';
import { copyXattrs, giveAttributes } from './copy-metadata';
import { areaOf, copyUp } from './copy-up';
import { keepingTimes, refresh, refreshXattrs, setImpure } from './marks';
import { statAt } from '../system/stat';
import { isMerged, pathOf, placeOf, topOf, type Entry } from './entry';
import { whiteoutAt, type UpperWhiteout } from './create';
import { originOf } from './origins';
import { setRedirect } from './redirect';
import { afterUnlink, beginUnlink, checkEmpty, existsBelow, holding, isOpaque, isPureUpper } from './remove';
import { readReal } from './readdir';
import type { OverlayStack } from './stack';
import { refuseMarkName } from './whiteout-names';

/** Where an object goes. */
export interface RenameTarget {
  readonly parent: Entry;
  readonly name: ByteString;
  /** What has the name now, or null. */
  readonly entry: Entry | null;
}

/**
 * Renames an object of the merged tree (semantics 4.5). What exists below leaves a whiteout behind; a directory that is
 * (also) below is moved by a redirect, where these are written. A replaced upper object is kept open: see `release`.
 * @param flags RENAME_NOREPLACE, RENAME_EXCHANGE
 * @throws SystemError EXDEV for a directory that cannot be moved (the mover copies), EINVAL for other flags, ENOTEMPTY
 */
export function renameEntry(stack: OverlayStack, source: Entry, target: RenameTarget, flags: number): void {
  const exchange = flags === RENAME_EXCHANGE;
  if (flags !== 0 && flags !== RENAME_NOREPLACE && !exchange)
    throw new SystemError(ERRNO.EINVAL, 'rename', target.name);
  refuseMarkName(stack, target.name);
  if (flags === RENAME_NOREPLACE && target.entry) throw new SystemError(ERRNO.EEXIST, 'rename', target.name);
  new Rename(stack, source, target, exchange).run();
}

/** How a rename is done in the upper. */
interface Plan {
  readonly flags: number;
  /** The whiteout that changed places with the source is to be removed. */
  readonly leftover: boolean;
  /** The whiteout that the new name had. */
  readonly over: UpperWhiteout;
  /** The old name gets a mark (`.wh.NAME`), which does not hide the object while it still has that name. */
  readonly mark: boolean;
}

class Rename {
  private readonly oldParent: Entry;
  private readonly sameDirectory: boolean;
  private readonly isDirectory: boolean;

  constructor(
    private readonly stack: OverlayStack,
    private readonly source: Entry,
    private readonly target: RenameTarget,
    private readonly exchange: boolean,
  ) {
    this.oldParent = source.parent!;
    this.sameDirectory = this.oldParent === target.parent;
    this.isDirectory = topOf(source).directory !== null;
  }

  run(): void {
    const { stack, source, target, exchange } = this;
    const replaced = exchange ? null : target.entry;
    this.refuseMerged(source);
    if (exchange && target.entry) this.refuseMerged(target.entry);
    if (replaced && topOf(replaced).directory) checkEmpty(stack, replaced);
    copyUp(stack, source, 'metadata');
    copyUp(stack, target.parent, 'metadata');
    if (exchange) copyUp(stack, target.entry!, 'metadata');
    else if (replaced) beginUnlink(stack, replaced);
    this.markParents();
    const plan = this.plan(replaced);
    this.leaveMark(source, target.parent);
    if (exchange) this.leaveMark(target.entry!, this.oldParent);
    if (replaced) holding(stack, replaced, () => this.move(plan, replaced));
    else this.move(plan, replaced);
    this.settle();
    if (replaced) afterUnlink(stack, replaced);
  }

  /** A directory that is (also) below moves only by a redirect. */
  private refuseMerged(entry: Entry): void {
    if (!topOf(entry).directory || areaOf(this.stack).rules.redirects) return;
    if (isBelowToo(entry)) throw new SystemError(ERRNO.EXDEV, 'rename', pathOf(entry));
  }

  /** What comes into another directory with an origin makes that one impure. */
  private markParents(): void {
    const { stack, source, target, exchange } = this;
    if (this.sameDirectory) return;
    if (originOf(stack, source)) setImpure(stack, target.parent.upper!);
    if (exchange && originOf(stack, target.entry!)) setImpure(stack, this.oldParent.upper!);
  }

  /** How the upper's own rename is made. */
  private plan(replaced: Entry | null): Plan {
    const { stack, source, target, exchange } = this;
    if (exchange) return { flags: RENAME_EXCHANGE, leftover: false, over: null, mark: false };
    const over = replaced ? null : whiteoutAt(stack, target.parent, target.name);
    const overObject = over === 'object';
    const below = existsBelow(stack, this.oldParent, source.name);
    const mark = below && areaOf(stack).marks(source.name);
    if (below && !mark) {
      // Over a whiteout, that one takes the old place.
      return { flags: overObject ? RENAME_EXCHANGE : RENAME_WHITEOUT, leftover: false, over, mark };
    }
    if (this.isDirectory && overObject) return { flags: RENAME_EXCHANGE, leftover: true, over, mark };
    return { flags: 0, leftover: false, over, mark };
  }

  /** Of an object that is (also) below, where that is; a pure directory that comes to stand in a merged one hides. */
  private leaveMark(entry: Entry, newParent: Entry): void {
    const { stack } = this;
    if (isBelowToo(entry)) return setRedirect(stack, entry, !this.sameDirectory);
    const upper = entry.upper!;
    if (!upper.directory || isOpaque(stack, entry) || !isMerged(newParent)) return;
    try {
      keepingTimes(stack, upper, () =>
        must(areaOf(stack).markOpaque(placeOf(stack.directories, upper)), 'setxattr', pathOf(entry)),
      );
      refreshXattrs(stack, upper);
    } catch (error) {
      throw error instanceof SystemError ? new SystemError(ERRNO.EXDEV, 'rename', pathOf(entry)) : error;
    }
  }

  private move({ flags, leftover, over, mark }: Plan, replaced: Entry | null): void {
    const { stack, source, target } = this;
    const area = areaOf(stack);
    const from = this.oldParent.upper!.directory!;
    const to = target.parent.upper!.directory!;
    // A directory with whiteouts in it is in the way of a rename: it goes into the work area first.
    if (replaced?.upper?.directory && !isPureUpper(stack, replaced)) this.clearTarget(replaced);
    stack.directories.fdOf(from);
    const toFd = stack.directories.fdOf(to);
    const fromFd = stack.directories.fdOf(from);
    const marked = mark && area.putMark(fromFd, source.name);
    try {
      this.renameUpper(fromFd, toFd, flags);
    } catch (error) {
      if (marked) area.dropMark(stack.directories.fdOf(from), source.name);
      // ext4 leaves its times in the old directory where it refuses RENAME_WHITEOUT over a directory with names.
      area.stale.push(this.oldParent, target.parent);
      throw error;
    }
    if (leftover) area.takeAway(stack.directories.fdOf(from), source.name);
    if (over === 'mark') area.dropMark(stack.directories.fdOf(to), target.name);
  }

  /**
   * Without the right to make devices, or a file system that can, there is no RENAME_WHITEOUT. Where nothing is replaced
   * a whiteout takes the new place first, which changes nothing, and then the two change places at once. Else it comes
   * into the old place after the rename, as only a rename proper tells whether the target may go.
   */
  private renameUpper(fromFd: number, toFd: number, flags: number): void {
    const { source, target } = this;
    const area = areaOf(this.stack);
    const withWhiteout = flags === RENAME_WHITEOUT;
    const result =
      withWhiteout && area.xattrWhiteouts ? -ERRNO.EPERM : renameAt(fromFd, source.name, toFd, target.name, flags);
    if (!withWhiteout || (result !== -ERRNO.EPERM && result !== -ERRNO.EINVAL))
      return void must(result, 'rename', pathOf(source));
    const replaces = statAt(toFd, target.name) !== -ERRNO.ENOENT;
    const whiteout = area.makeWhiteout();
    try {
      if (!replaces) area.install(whiteout, toFd, target.name, RENAME_NOREPLACE);
      must(renameAt(fromFd, source.name, toFd, target.name, replaces ? 0 : RENAME_EXCHANGE), 'rename', pathOf(source));
      if (replaces) area.install(whiteout, fromFd, source.name);
    } catch (error) {
      area.discard(whiteout);
      throw error;
    }
  }

  /** An empty directory that holds whiteouts cannot be renamed over: one without any takes its place first. */
  private clearTarget(replaced: Entry): void {
    const { stack, target } = this;
    const OWN_NAMES = 2;
    if (readReal(stack, replaced.upper!.directory!).length === OWN_NAMES) return;
    const area = areaOf(stack);
    const dirfd = stack.directories.fdOf(target.parent.upper!.directory!);
    area.clearDirectory(dirfd, target.name, (place) => {
      const { stat } = replaced.upper!;
      copyXattrs(stack.names, placeOf(stack.directories, replaced.upper!), place);
      giveAttributes(place, stat, pathOf(replaced));
    });
  }

  /** Puts the entries where their objects are now. */
  private settle(): void {
    const { stack, source, target, exchange } = this;
    const { oldParent } = this;
    const oldName = source.name;
    place(source, target.parent, target.name);
    if (exchange) place(target.entry!, oldParent, oldName);
    for (const parent of new Set([oldParent, target.parent])) refresh(stack, parent.upper!);
    refresh(stack, source.upper!);
    if (exchange) refresh(stack, target.entry!.upper!);
  }
}

/** Merged with a lower, or a lower alone (the kernel's ovl_type_merge_or_lower). */
function isBelowToo(entry: Entry): boolean {
  if (!entry.upper) return true;
  return topOf(entry).directory ? entry.lowers.length > 0 : entry.metacopy;
}

function place(entry: Entry, parent: Entry, name: ByteString): void {
  const upper = entry.upper!;
  const directory = parent.upper!.directory!;
  Object.assign(entry, { parent, name });
  Object.assign(upper, { parent: directory, name });
  if (upper.directory) Object.assign(upper.directory, { parent: directory, name });
}
