// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { RealDirectory } from '../layers/real-directory';
import type { Layer } from '../layers/layer';
import { isDirectory, statAt, type Stat } from '../system/stat';
import { listXattrsAt } from '../system/xattr';
import { pathOf, realsOf, type Entry } from './entry';
import { isWhiteout } from './probe';
import { readReal } from './readdir';
import type { OverlayStack } from './stack';
import { isMarkName, removedBy } from './whiteout-names';

/** What a layer holds under a name, whether or not the merged tree shows it. */
export interface RawObject {
  readonly layer: Layer;
  readonly directory: RealDirectory;
  readonly stat: Stat;
  readonly whiteout: boolean;
}

/** A name that is in a layer and not in the merged directory: the objects, top first. */
export interface HiddenName {
  readonly name: ByteString;
  readonly objects: readonly RawObject[];
}

/**
 * The directories that would merge into this one by path, if nothing above them stood in the way: below an opaque
 * directory, a whiteout or a file. Layers that take part already are not among them.
 */
export function shadowedDirectories(stack: OverlayStack, entry: Entry): RealDirectory[] {
  const taken = new Set(realsOf(entry).map(({ layer }) => layer));
  const names = pathOf(entry)
    .split('/')
    .filter((name) => name !== '');
  const found: RealDirectory[] = [];
  for (const layer of stack.layers) {
    if (layer.lane !== 'lower' || taken.has(layer)) continue;
    const directory = descend(stack, layer, names);
    if (directory) found.push(directory);
  }
  return found;
}

/** The directory that a plain path names in one layer, or null. */
function descend(stack: OverlayStack, layer: Layer, names: readonly ByteString[]): RealDirectory | null {
  let directory = layer.root;
  for (const name of names) {
    const stat = statAt(stack.directories.fdOf(directory), name);
    if (typeof stat === 'number' || !isDirectory(stat.mode)) return null;
    directory = new RealDirectory(layer, directory, name);
  }
  return directory;
}

/** What one layer has under the name, or null. */
export function rawObject(stack: OverlayStack, directory: RealDirectory, name: ByteString): RawObject | null {
  const stat = statAt(stack.directories.fdOf(directory), name);
  if (typeof stat === 'number') return null;
  const xattrs = stat.size === 0 ? listXattrsAt(stack.directories.fdOf(directory), name) : [];
  const whiteout = isWhiteout(stat, typeof xattrs === 'number' ? [] : xattrs, stack.names.whiteout);
  const isMark = stack.ociWhiteouts && isMarkName(name);
  return { layer: directory.layer, directory, stat, whiteout: whiteout || isMark };
}

/** Names in the layers of a directory, shadowed ones included, that `visible` does not have. */
export function hiddenNames(stack: OverlayStack, entry: Entry, visible: ReadonlySet<ByteString>): HiddenName[] {
  const components = realsOf(entry).map(({ directory }) => directory!);
  const byName = new Map<ByteString, RawObject[]>();
  for (const directory of [...components, ...shadowedDirectories(stack, entry)]) {
    for (const { name: found } of readReal(stack, directory)) {
      const isMark = stack.ociWhiteouts && isMarkName(found);
      const name = isMark ? removedBy(found) : found;
      if (name === null || name === '.' || name === '..' || visible.has(name)) continue;
      const object = rawObject(stack, directory, found);
      if (!object) continue;
      const known = byName.get(name);
      if (known) known.push(object);
      else byName.set(name, [object]);
    }
  }
  return [...byName].map(([name, objects]) => ({ name, objects }));
}
