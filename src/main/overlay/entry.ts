// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Layer } from '../layers/layer';
import type { DirectoryCache, RealDirectory } from '../layers/real-directory';
import type { Place } from '../system/place';
import { isDirectory, type Stat } from '../system/stat';

/** An object in a layer: a name in a real directory, as lookup found it. In the upper of a writable stack it changes. */
export interface Real {
  readonly layer: Layer;
  parent: RealDirectory;
  /** `.` for the root of the layer. */
  name: ByteString;
  stat: Stat;
  /** The object itself, if it is a directory. */
  readonly directory: RealDirectory | null;
  /** Names of its extended attributes, as stored. */
  xattrs: readonly ByteString[];
  /** An O_PATH descriptor of an object that has lost its name (or never had one) while it is in use; else -1. */
  fd: number;
}

/**
 * A name of the merged tree, resolved (semantics 2.3); what a dentry is to the kernel. Copy-up gives it an upper, rename
 * another place; only the writing side of the engine changes it. Directories: `upper` and `lowers` are the components, top
 * first. Other objects: metadata come from `upper`, else from `lowers[0]`; data from the upper unless it is a
 * metacopy, else from the last of `lowers`, or from a data-only layer that is looked up at first use.
 */
export interface Entry {
  parent: Entry | null;
  name: ByteString;
  upper: Real | null;
  lowers: readonly Real[];
  /** The topmost object is a metacopy: its data are elsewhere. */
  metacopy: boolean;
  /** The redirect that the upper carries, where it was read. */
  redirect: ByteString | null;
  /** Its upper inode has an entry in the index, which keeps its names together (semantics 1.7). */
  indexed: boolean;
  /** Of an upper found through the index alone: this name is not in the upper yet. */
  upperUnnamed: boolean;
  /** Absolute path in the data-only layers, not looked up yet. */
  lazyData: ByteString | null;
  /** A lower component has `opaque=x`: xattr whiteouts are looked for in readdir. */
  xattrWhiteouts: boolean;
  /** What open found for `lazyData`. */
  foundData: { readonly layer: Layer; readonly stat: Stat } | null;
}

/** Where the object is for a system call. Use it at once: the directory's descriptor may be closed by the next call. */
export const placeOf = (directories: DirectoryCache, { fd, parent, name }: Real): Place =>
  fd >= 0 ? { fd, name: '' } : { fd: directories.fdOf(parent), name };

/** In place of a set of components: says nothing about where a name is, every component is asked. */
export const ANYWHERE = -1;

/** The object that gives the metadata. */
export const topOf = (entry: Entry): Real => entry.upper ?? entry.lowers[0]!;

/** All real objects, top first. */
export const realsOf = (entry: Entry): Real[] => (entry.upper ? [entry.upper, ...entry.lowers] : [...entry.lowers]);

export const isDirectoryEntry = (entry: Entry): boolean => isDirectory(topOf(entry).stat.mode);

/** More than one component directory (semantics 3.1). */
export const isMerged = (entry: Entry): boolean => entry.lowers.length + (entry.upper ? 1 : 0) > 1;

/** Path in the merged tree: `/`, `/usr/bin`. */
export function pathOf(entry: Entry): ByteString {
  if (!entry.parent) return '/';
  const above = pathOf(entry.parent);
  return above === '/' ? `/${entry.name}` : `${above}/${entry.name}`;
}
