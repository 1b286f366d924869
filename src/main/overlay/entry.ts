// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Layer } from '../layers/layer';
import type { RealDirectory } from '../layers/real-directory';
import { isDirectory, type Stat } from '../system/stat';

/** An object in a layer: a name in a real directory, as lookup found it. */
export interface Real {
  readonly layer: Layer;
  readonly parent: RealDirectory;
  /** `.` for the root of the layer. */
  readonly name: ByteString;
  readonly stat: Stat;
  /** The object itself, if it is a directory. */
  readonly directory: RealDirectory | null;
  /** Names of its extended attributes, as stored. */
  readonly xattrs: readonly ByteString[];
}

/**
 * A name of the merged tree, resolved (semantics 2.3). Directories: `upper` and `lowers` are the components, top
 * first. Other objects: metadata come from `upper`, else from `lowers[0]`; data from the upper unless it is a
 * metacopy, else from the last of `lowers`, or from a data-only layer that is looked up at first use.
 */
export interface Entry {
  readonly parent: Entry | null;
  readonly name: ByteString;
  readonly upper: Real | null;
  readonly lowers: readonly Real[];
  /** The topmost object is a metacopy: its data are elsewhere. */
  readonly metacopy: boolean;
  /** Absolute path in the data-only layers, not looked up yet. */
  readonly lazyData: ByteString | null;
  /** A lower component has `opaque=x`: xattr whiteouts are looked for in readdir. */
  readonly xattrWhiteouts: boolean;
  /** What open found for `lazyData`. */
  foundData: { readonly layer: Layer; readonly stat: Stat } | null;
}

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
