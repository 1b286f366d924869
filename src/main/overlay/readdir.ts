// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { RealDirectory } from '../layers/real-directory';
import {
  closeFile,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openAt,
  readDirectory,
  type DirectoryEntry,
} from '../system/files';
import { SystemError } from '../system/libc';
import { statAt } from '../system/stat';
import { listXattrsAt } from '../system/xattr';
import { ANYWHERE, isMerged, realsOf, topOf, type Entry, type Real } from './entry';
import { lookup } from './lookup';
import type { OverlayStack } from './stack';
import { withoutMarks } from './whiteout-names';

/** A listed name, with the component directory that gives its type and inode number. */
export interface ListedName extends DirectoryEntry {
  readonly from: Real;
  /** Bit i is set where the i-th component (`realsOf`) has the name: what `lookup` need not ask again. */
  components: number;
}

/** Components beyond the bits of a number are not told apart. */
const MOST_BITS = 31;

const DT_CHR = 2;
const DT_REG = 8;

/** The entries of one real directory, `.` and `..` included. Throws a SystemError. */
export function readReal(stack: OverlayStack, directory: RealDirectory): DirectoryEntry[] {
  const path = directory.layer.path + directory.path;
  const fd = openAt(stack.directories.fdOf(directory), '.', O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0) throw new SystemError(-fd, 'opendir', path);
  try {
    return readDirectory(fd, path);
  } finally {
    closeFile(fd);
  }
}

/**
 * The names that a directory of the merged tree lists, `.` and `..` included, in the kernel's order (semantics 3.1,
 * 3.2): one real directory as it is; of several the last component first, then top-down what it does not have. Listing
 * is less strict than lookup: a name may be listed and give ENOENT.
 */
export function listNames(stack: OverlayStack, entry: Entry): ListedName[] {
  const reals = realsOf(entry);
  if (isPassedThrough(stack, entry)) {
    const from = reals[0]!;
    const { names } = withoutMarks(stack, readReal(stack, from.directory!));
    return names.map((found) => ({ ...found, from, components: 1 }));
  }
  const last = reals.pop()!;
  const top = new Map<ByteString, ListedName | null>();
  for (const [index, from] of reals.entries()) {
    const isHidden = hidingRule(stack, entry, from);
    const { names, removed } = withoutMarks(stack, readReal(stack, from.directory!));
    for (const found of names) {
      const above = top.get(found.name);
      if (above) above.components |= 1 << index;
      else if (above === undefined)
        top.set(found.name, isHidden(found) ? null : { ...found, from, components: 1 << index });
    }
    for (const name of removed) hideBelow(top, name, index);
  }
  const listed = withLast(stack, entry, last, reals.length, top);
  if (reals.length >= MOST_BITS) for (const name of listed) name.components = ANYWHERE;
  return listed;
}

/** What a mark takes away from the components below; the lookup of a name that is above it must see the mark. */
function hideBelow(top: Map<ByteString, ListedName | null>, name: ByteString, index: number): void {
  const above = top.get(name);
  if (above) above.components |= 1 << index;
  else top.set(name, null);
}

/**
 * One real directory is listed unfiltered, whiteouts included. Not so the root, and a directory with an origin: it was
 * copied up, and may hold whiteouts of a lower that is gone (found by the differential test).
 */
function isPassedThrough(stack: OverlayStack, entry: Entry): boolean {
  return entry.parent !== null && !isMerged(entry) && !topOf(entry).xattrs.includes(stack.names.origin);
}

/** The last component's names lead; a name that is higher up too stands here in its place. */
function withLast(
  stack: OverlayStack,
  entry: Entry,
  from: Real,
  index: number,
  top: Map<ByteString, ListedName | null>,
): ListedName[] {
  const isHidden = hidingRule(stack, entry, from);
  const listed: ListedName[] = [];
  for (const found of withoutMarks(stack, readReal(stack, from.directory!)).names) {
    const above = top.get(found.name);
    if (above !== undefined) top.delete(found.name);
    if (above) {
      above.components |= 1 << index;
      listed.push(above);
    } else if (above === undefined && !isHidden(found)) {
      listed.push({ ...found, from, components: 1 << index });
    }
  }
  for (const above of top.values()) if (above) listed.push(above);
  return listed;
}

/**
 * What readdir takes for a whiteout among the names of one component (semantics 1.3 point 3): char 0:0. Where the
 * layer has `opaque=x` directories and this is one, the kernel looks regular files up, and in an impure upper it looks
 * every name up for its inode number; a name whose lookup fails is then not listed, whatever the error.
 */
function hidingRule(stack: OverlayStack, entry: Entry, from: Real): (found: DirectoryEntry) => boolean {
  const xattrWhiteouts = entry.xattrWhiteouts && from.layer.xattrWhiteouts;
  const impure = from === entry.upper && from.xattrs.includes(stack.names.impure);
  return (found) => {
    const { name, type } = found;
    if (isListedWhiteout(stack, from, found)) return true;
    if (!impure && !(xattrWhiteouts && type === DT_REG)) return false;
    return name !== '.' && name !== '..' && !resolves(stack, entry, name);
  };
}

/**
 * Whether a name in a directory of one layer is a whiteout as listings see it: char 0:0; and in an upper that Lamina
 * writes without the right to make devices, the marked files that it makes in their place.
 */
export function isListedWhiteout(stack: OverlayStack, from: Real, { name, type }: DirectoryEntry): boolean {
  const marked = type === DT_REG && from.layer === stack.area?.layer && stack.area.xattrWhiteouts;
  if (type !== DT_CHR && !marked) return false;
  const fd = stack.directories.fdOf(from.directory!);
  const stat = statAt(fd, name);
  if (typeof stat === 'number') return false;
  if (!marked) return stat.rdevMajor === 0 && stat.rdevMinor === 0;
  const xattrs = stat.size === 0 ? listXattrsAt(fd, name) : [];
  return typeof xattrs !== 'number' && xattrs.includes(stack.names.whiteout);
}

function resolves(stack: OverlayStack, entry: Entry, name: ByteString): boolean {
  try {
    lookup(stack, entry, name);
    return true;
  } catch (error) {
    if (error instanceof SystemError) return false;
    throw error;
  }
}
