// SPDX-License-Identifier: MIT
import {
  closeFile,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  openBeneath,
  openPlace,
  readLinkAt,
} from '../system/files';
import type { ByteString } from '@shared/bytes';
import { ERRNO, SystemError } from '../system/libc';
import { isRegular, statFd, type Stat } from '../system/stat';
import type { Layer } from '../layers/layer';
import { refuseChanged } from './changed';
import { isMerged, pathOf, placeOf, topOf, type Entry, type Real } from './entry';
import { unionLinks } from './index-directory';
import type { OverlayStack } from './stack';

/** The object that gives the data of a file, or null while they are in a data-only layer not looked up yet. */
export function dataOf(entry: Entry): Real | null {
  if (entry.lazyData !== null) return null;
  if (entry.upper && !entry.metacopy) return entry.upper;
  return entry.lowers.at(-1) ?? entry.upper;
}

/** NONBLOCK: a fifo that somebody put in the file's place must not hang the engine. */
const FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/**
 * Opens the data of a regular file for reading. The first open of a file with data in a data-only layer looks for them
 * there (semantics 2.6).
 * @returns a descriptor of the real file; the caller closes it
 * @throws SystemError, ENOENT where no data-only layer has the data
 */
export function openData(stack: OverlayStack, entry: Entry): number {
  const real = dataOf(entry);
  if (!real) return openLazy(stack, entry);
  const fd = openQuietly((flags) => openPlace(placeOf(stack.directories, real), flags));
  if (real.layer.lane !== 'upper') checkData(real, fd);
  if (fd < 0) throw new SystemError(-fd, 'open', pathOf(entry));
  return fd;
}

/** What was opened must be what was looked up. */
function checkData(real: Real, fd: number): void {
  try {
    refuseChanged(real, fd < 0 ? fd : statFd(fd, real.name));
  } catch (error) {
    if (fd >= 0) closeFile(fd);
    throw error;
  }
}

/** Opens a file of the upper, data and all, for reading and writing. Throws a SystemError, ETXTBSY while it runs. */
export function openUpper(stack: OverlayStack, entry: Entry): number {
  const fd = openPlace(placeOf(stack.directories, entry.upper!), O_RDWR | O_NONBLOCK);
  if (fd < 0) throw new SystemError(-fd, 'open', pathOf(entry));
  return fd;
}

/** Reading a layer should not change it: without access times where we may, as the kernel's overlay does. */
function openQuietly(open: (flags: number) => number): number {
  const fd = open(FLAGS | O_NOATIME);
  return fd === -ERRNO.EPERM ? open(FLAGS) : fd;
}

function openLazy(stack: OverlayStack, entry: Entry): number {
  const found = findLazy(stack, entry);
  if ('errno' in found) throw new SystemError(found.errno, 'open', pathOf(entry));
  entry.foundData = { layer: found.layer, stat: found.stat };
  return found.fd;
}

type LazyResult = { readonly layer: Layer; readonly stat: Stat; readonly fd: number } | { readonly errno: number };

/** The first data-only layer in which the path names a regular file; else the error of the last one. */
function findLazy(stack: OverlayStack, entry: Entry): LazyResult {
  const path = entry.lazyData!.slice(1);
  let errno: number = ERRNO.ENOENT;
  for (const layer of stack.data) {
    const fd = openQuietly((flags) => openBeneath(layer.root.fd, path, flags));
    if (fd < 0) {
      errno = -fd;
      continue;
    }
    const stat = statFd(fd, path);
    if (isRegular(stat.mode)) return { layer, stat, fd };
    closeFile(fd);
    errno = ERRNO.ENOENT;
  }
  return { errno };
}

/** Looks for lazy data without keeping them open: for the browser. Returns the errno where there are none. */
export function locateData(stack: OverlayStack, entry: Entry): number | null {
  if (entry.lazyData === null || entry.foundData) return null;
  const found = findLazy(stack, entry);
  if ('errno' in found) return found.errno;
  closeFile(found.fd);
  entry.foundData = { layer: found.layer, stat: found.stat };
  return null;
}

/** Target of a symlink. Throws a SystemError. */
export function readLink(stack: OverlayStack, entry: Entry): ByteString {
  const real = topOf(entry);
  const place = placeOf(stack.directories, real);
  const target = readLinkAt(place.fd, place.name);
  if (typeof target === 'number') throw new SystemError(-target, 'readlink', pathOf(entry));
  return target;
}

/** Link count that stat shows: merged directories have one, indexed files all names of the merged tree (semantics 3.5). */
export function linksOf(stack: OverlayStack, entry: Entry): number {
  if (entry.indexed) return unionLinks(stack, entry);
  return isMerged(entry) && topOf(entry).directory ? 1 : topOf(entry).stat.nlink;
}

/** 512-byte blocks that stat shows: those of the data, or an estimate before they were found (semantics 2.6). */
export function blocksOf(entry: Entry): number {
  const { stat } = topOf(entry);
  if (!entry.metacopy) return stat.blocks;
  const data = entry.lazyData !== null ? entry.foundData?.stat : dataOf(entry)?.stat;
  return data ? data.blocks : (Math.ceil(stat.size / stat.blksize) * stat.blksize) / 512;
}
