// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { RealDirectory } from '../layers/real-directory';
import { changeTimes } from '../system/attributes';
import { must, SystemError } from '../system/libc';
import { isDirectory, statAt } from '../system/stat';
import { listXattrsAt, removeXattrAt, setXattrAt } from '../system/xattr';
import { placeOf, type Real } from './entry';
import type { OverlayStack } from './stack';

/** Marks a directory of the upper as one that may hold copied-up objects: their numbers are looked up (semantics 3.4). */
export function setImpure(stack: OverlayStack, directory: Real): void {
  putXattr(stack, directory, stack.names.impure, 'y');
}

/** Takes the mark of a directory in which nothing is that was copied up, as the kernel does when it lists it. */
export function clearImpure(stack: OverlayStack, directory: Real): void {
  removeXattrAt(placeOf(stack.directories, directory), stack.names.impure);
  directory.xattrs = directory.xattrs.filter((name) => name !== stack.names.impure);
}

/** Sets one of the overlay's own attributes on an upper object, if it has it not. */
export function putXattr(stack: OverlayStack, real: Real, name: ByteString, value: ByteString): void {
  if (real.xattrs.includes(name)) return;
  must(setXattrAt(placeOf(stack.directories, real), name, value), 'setxattr', real.name);
  real.xattrs = [...real.xattrs, name];
}

/** Reads an upper object's metadata anew, after a change. */
export function refresh(stack: OverlayStack, real: Real): void {
  const { fd, name } = placeOf(stack.directories, real);
  const stat = statAt(fd, name);
  if (typeof stat === 'number') throw new SystemError(-stat, 'statx', real.name);
  real.stat = stat;
}

/** Runs a change of a directory and puts its times back: what the overlay needs in it is no change that a user made. */
export function keepingTimes(stack: OverlayStack, directory: Real, change: () => void): void {
  refresh(stack, directory);
  const { atime, atimeNs, mtime, mtimeNs } = directory.stat;
  change();
  changeTimes(
    placeOf(stack.directories, directory),
    { seconds: atime, nanoseconds: atimeNs },
    { seconds: mtime, nanoseconds: mtimeNs },
  );
}

export function refreshXattrs(stack: OverlayStack, real: Real): void {
  const { fd, name } = placeOf(stack.directories, real);
  const xattrs = listXattrsAt(fd, name);
  if (typeof xattrs !== 'number') real.xattrs = xattrs;
}

/** The object in the upper's directory under the entry's name, as a lookup would give it. */
export function realInUpper(stack: OverlayStack, parent: RealDirectory, name: ByteString): Real {
  const fd = stack.directories.fdOf(parent);
  const stat = statAt(fd, name);
  if (typeof stat === 'number') throw new SystemError(-stat, 'statx', name);
  const xattrs = listXattrsAt(fd, name);
  return {
    layer: parent.layer,
    parent,
    name,
    stat,
    directory: isDirectory(stat.mode) ? new RealDirectory(parent.layer, parent, name) : null,
    xattrs: typeof xattrs === 'number' ? [] : xattrs,
    fd: -1,
  };
}
