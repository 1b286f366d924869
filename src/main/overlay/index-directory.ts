// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { RealDirectory } from '../layers/real-directory';
import { tryRemoveTree } from '../layers/remove-tree';
import { readDirectory } from '../system/files';
import { ERRNO, must, SystemError } from '../system/libc';
import { S_IFMT, statAt } from '../system/stat';
import { getXattrAt, listXattrsAt, setXattrAt } from '../system/xattr';
import { placeOf, topOf, type Entry, type Real } from './entry';
import { originOf } from './origins';
import type { OverlayStack } from './stack';

/*
 * The index of index=on: an entry for every lower hard link that was copied up, named by the lower's handle, so that
 * all its names find the one copy (semantics 1.7).
 */

const hexOf = (blob: ByteString): ByteString => Buffer.from(blob, 'latin1').toString('hex');

/** The index entry's name for a lower object; null where its file system has no handles. */
export function indexName(stack: OverlayStack, lower: Real): ByteString | null {
  const blob = stack.origins.encode(lower.layer, placeOf(stack.directories, lower));
  return blob === '' ? null : hexOf(blob);
}

/** Lower hard links are copied up through the index. */
export const needsIndex = (stack: OverlayStack, entry: Entry): boolean => {
  const lower = entry.lowers[0];
  return stack.area?.index != null && lower !== undefined && !lower.directory && lower.stat.nlink > 1;
};

/** The upper inode that the index holds for a lower object, or null. Throws EIO where the entry is of another type. */
export function lookupIndex(stack: OverlayStack, index: RealDirectory, lower: Real): Real | null {
  const name = indexName(stack, lower);
  return name === null ? null : indexEntry(stack, index, name, lower.stat.mode);
}

function indexEntry(stack: OverlayStack, index: RealDirectory, name: ByteString, mode: number): Real | null {
  const stat = statAt(index.fd, name);
  if (stat === -ERRNO.ENOENT) return null;
  if (typeof stat === 'number') throw new SystemError(-stat, 'index', name);
  if ((stat.mode & S_IFMT) !== (mode & S_IFMT)) throw new SystemError(ERRNO.EIO, 'index', name);
  const xattrs = listXattrsAt(index.fd, name);
  return {
    layer: stack.area!.layer,
    parent: index,
    name,
    stat,
    directory: null,
    xattrs: typeof xattrs === 'number' ? [] : xattrs,
    fd: -1,
  };
}

/** Whether an upper object with this origin has an entry in the index. */
export function isIndexed(stack: OverlayStack, upper: Real): boolean {
  const index = stack.area?.index;
  if (!index || upper.directory || !upper.xattrs.includes(stack.names.origin)) return false;
  const name = originName(stack, upper);
  return name !== null && typeof statAt(index.fd, name) !== 'number';
}

/** The index entry's name for an upper object, by the origin that it carries. */
function originName(stack: OverlayStack, upper: Real): ByteString | null {
  const { fd, name } = placeOf(stack.directories, upper);
  const blob = getXattrAt(fd, name, stack.names.origin);
  return typeof blob === 'string' && blob !== '' ? hexOf(blob) : null;
}

/** The offset in an `overlay.nlink` value, and what it counts from: the links of the upper or of the lower inode. */
function parseLinks(value: ByteString | number): { readonly base: 'U' | 'L'; readonly offset: number } | null {
  const [, base, offset] = typeof value === 'string' ? (/^([UL])([+-]\d+)$/.exec(value) ?? []) : [];
  return offset === undefined ? null : { base: base as 'U' | 'L', offset: Number(offset) };
}

/** Names of the merged tree that an indexed object has, in the upper and in the lower (semantics 3.5). */
export function unionLinks(stack: OverlayStack, entry: Entry): number {
  const { fd, name } = placeOf(stack.directories, topOf(entry));
  const mark = parseLinks(getXattrAt(fd, name, stack.names.nlink));
  const links = topOf(entry).stat.nlink;
  if (!mark) return links;
  return Math.max((mark.base === 'L' ? lowerLinks(stack, entry) : links) + mark.offset, 0);
}

/** The lower of an indexed object may be known by its origin alone. */
const lowerLinks = (stack: OverlayStack, entry: Entry): number =>
  entry.lowers[0]?.stat.nlink ?? originOf(stack, entry)?.nlink ?? 0;

/**
 * Writes down the union of links before the links of the upper inode change: as an offset to these (`U`) where a name
 * of the merged tree comes or goes, to those of the lower (`L`) where one just gets its link in the upper.
 */
export function keepLinks(stack: OverlayStack, entry: Entry, links: number, base: 'U' | 'L' = 'U'): void {
  const upper = entry.upper!;
  const place = placeOf(stack.directories, upper);
  const stat = statAt(place.fd, place.name);
  if (typeof stat === 'number') throw new SystemError(-stat, 'statx', upper.name);
  const offset = links - (base === 'L' ? lowerLinks(stack, entry) : stat.nlink);
  must(setXattrAt(place, stack.names.nlink, `${base}${offset < 0 ? '' : '+'}${offset}`), 'setxattr', upper.name);
  if (!upper.xattrs.includes(stack.names.nlink)) upper.xattrs = [...upper.xattrs, stack.names.nlink];
  upper.stat = stat;
}

/** Removes the index entry of an object whose last name is gone. */
export function dropFromIndex(stack: OverlayStack, entry: Entry): void {
  const index = stack.area?.index;
  const name = index && originName(stack, entry.upper!);
  if (index && name) tryRemoveTree(index.fd, name);
}

/**
 * Removes what a crash left in the index: objects half built, entries whose lower is gone or that have no name left.
 * @throws Failure EINVAL for an entry that is not the index's own, as the kernel refuses it (semantics 1.7)
 */
export function cleanIndex(stack: OverlayStack, index: RealDirectory): void {
  for (const { name } of readDirectory(index.fd, 'index')) {
    if (name === '.' || name === '..') continue;
    if (name.startsWith('#')) tryRemoveTree(index.fd, name);
    else if (!/^(?:[0-9a-f]{2})+$/.test(name)) throw foreignEntry(name);
    else if (isOrphan(stack, index, name)) tryRemoveTree(index.fd, name);
  }
}

function isOrphan(stack: OverlayStack, index: RealDirectory, name: ByteString): boolean {
  const stat = statAt(index.fd, name);
  if (typeof stat === 'number') return false;
  const origin = stack.origins.decode(Buffer.from(name, 'hex').toString('latin1'));
  if (!origin) return true;
  if (stat.nlink > 1) return false;
  const mark = parseLinks(getXattrAt(index.fd, name, stack.names.nlink));
  // Without a mark it was never finished: no name leads to it, and as long as it stood its links would be miscounted.
  return mark === null || (mark.base === 'L' ? origin.nlink : stat.nlink) + mark.offset <= 0;
}

const foreignEntry = (name: ByteString): Failure =>
  new Failure(
    'EINVAL',
    `The index of the workdir holds ${display(name)}, which is no index entry.`,
    'Take it out of index/ in the workdir, or mount with index=off.',
  );
