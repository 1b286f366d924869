// SPDX-License-Identifier: MIT
import { randomBytes } from 'node:crypto';
import type { UpperEntry } from '@shared/composition';
import { display } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { EffectiveOptions } from '@shared/options';
import { RealDirectory } from '../layers/real-directory';
import { openUpperPair, type UpperPair } from '../layers/upper-pair';
import { closeFile } from '../system/files';
import { must } from '../system/libc';
import { getXattrAt, setXattrAt } from '../system/xattr';
import { cleanIndex } from './index-directory';
import type { OverlayStack } from './stack';
import { UpperArea, writeRules } from './upper-area';
import { lockUpper } from './upper-lock';
import { checkXattrs, openIndex, prepareWork } from './work-directory';
import type { OverlayXattrs } from './xattr-names';

/** What opening an upper for writing depends on, of the options. */
export interface WriteOptions extends Pick<
  EffectiveOptions,
  'metacopy' | 'redirectDir' | 'index' | 'xino' | 'uuid' | 'fsync'
> {
  /** `volatile` leaves no mark in the workdir that would keep it from being mounted again (semantics 6, 8.3). */
  readonly unmarked?: boolean;
  /** Milliseconds to wait for a mount of the same upper that is about to end. */
  readonly patience?: number;
}

/** An upper that is locked and whose workdir is prepared. */
export interface WritablePair extends UpperPair {
  readonly locks: readonly number[];
  /** `work/`, open for reading. */
  readonly builtIn: number;
}

/** Locks the upper and its workdir and clears what a crash left there. Throws a Failure that says what is in the way. */
export function openWritable(upper: UpperEntry, write: WriteOptions, names: OverlayXattrs): WritablePair {
  const pair = openUpperPair(upper.path, upper.workdir);
  const locks: number[] = [];
  try {
    const deadline = Date.now() + (write.patience ?? 0);
    locks.push(lockUpper(pair.upperFd, upper.path, 'upper', deadline));
    locks.push(lockUpper(pair.workFd, upper.workdir, 'workdir', deadline));
    const builtIn = prepareWork(pair.workFd, upper.workdir, write.fsync === 'volatile' && !write.unmarked);
    locks.push(builtIn);
    checkXattrs(pair.workFd, upper.workdir, names);
    return { ...pair, locks: locks.slice(0, 2), builtIn };
  } catch (error) {
    for (const fd of [...locks, pair.upperFd, pair.workFd, pair.mountFd]) if (fd >= 0) closeFile(fd);
    throw error;
  }
}

/** The writable side of a stack whose layers are open; verifies the index, and gives the upper its UUID. */
export function openArea(stack: OverlayStack, pair: WritablePair, workdir: string, write: WriteOptions): UpperArea {
  const layer = stack.layers[0]!;
  const kept = [...pair.locks, pair.workFd, pair.mountFd].filter((fd) => fd >= 0);
  let index: RealDirectory | null = null;
  let builtIn = pair.builtIn;
  if (write.index) {
    verifyUpperOrigin(stack);
    index = new RealDirectory(layer, null, '.');
    index.fd = openIndex(pair.workFd, workdir);
    verifyIndexUpper(stack, index);
    cleanIndex(stack, index);
    kept.push(builtIn);
    builtIn = index.fd;
  }
  giveUuid(stack, write.uuid);
  return new UpperArea(layer, builtIn, index, writeRules(write), stack.names, stack.ociWhiteouts, kept);
}

/** With index=on the upper belongs to its topmost lower (semantics 1.7). */
function verifyUpperOrigin(stack: OverlayStack): void {
  const lower = stack.layers.find(({ lane }) => lane === 'lower')!;
  const blob = stack.origins.encode(lower, { fd: lower.root.fd, name: '' });
  verify(stack, stack.layers[0]!.root.fd, stack.names.origin, blob, 'another lower layer');
}

/** … and the index to that upper: a copied upper has other inodes. */
function verifyIndexUpper(stack: OverlayStack, index: RealDirectory): void {
  const layer = stack.layers[0]!;
  const blob = stack.origins.encode(layer, { fd: layer.root.fd, name: '' });
  verify(stack, index.fd, stack.names.upper, blob, 'another upper, of which this one is a copy');
}

function verify(stack: OverlayStack, fd: number, attribute: string, blob: string, what: string): void {
  const stored = getXattrAt(fd, '', attribute);
  if (typeof stored === 'number') {
    must(setXattrAt({ fd, name: '' }, attribute, blob), 'setxattr', attribute);
  } else if (stored !== blob) {
    throw new Failure(
      'ESTALE',
      `The upper ${display(stack.layers[0]!.path)} was used with ${what}, and index=on ties them together (ESTALE).`,
      'Mount it with index=off, or with the layers it was made with.',
    );
  }
}

const UUID_BYTES = 16;

/** A fresh upper gets an identity of its own; one that was used without keeps none (semantics 5.1, `uuid`). */
function giveUuid(stack: OverlayStack, uuid: WriteOptions['uuid']): void {
  if (uuid !== 'auto' && uuid !== 'on') return;
  const { fd } = stack.layers[0]!.root;
  const { names } = stack;
  if (typeof getXattrAt(fd, '', names.uuid) === 'string') return;
  if (uuid === 'auto' && typeof getXattrAt(fd, '', names.impure) === 'string') return;
  setXattrAt({ fd, name: '' }, names.uuid, randomBytes(UUID_BYTES).toString('latin1'));
}
