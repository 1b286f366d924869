// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Layer } from '../layers/layer';
import { RealDirectory } from '../layers/real-directory';
import { ERRNO, errnoName, SystemError } from '../system/libc';
import { isDirectory, isRegular, S_IFCHR, S_IFMT, statAt, type Stat } from '../system/stat';
import { getXattrAt, listXattrsAt } from '../system/xattr';
import type { Real } from './entry';
import type { OverlayStack } from './stack';
import type { ProbeOutcome, Trace } from './trace';
import { findMark, isMarkedOpaque, isMarkName, markOf } from './whiteout-names';

/** What a lookup carries from layer to layer (semantics 2.2). */
export interface LookupState {
  /** What to look for in the next layer: a name, or an absolute path after an absolute redirect. */
  path: ByteString;
  isDir: boolean;
  meta: boolean;
  stop: boolean;
  /** The last redirect that was read was absolute, and no directory was passed since. */
  absolute: boolean;
  /** The redirect in force, with the remaining elements appended. */
  redirect: ByteString | null;
  /** Nothing can be below: opaque and redirect are not read. */
  last: boolean;
  xattrWhiteouts: boolean;
}

export const newLookupState = (name: ByteString, last: boolean): LookupState => ({
  path: name,
  isDir: false,
  meta: false,
  stop: false,
  absolute: false,
  redirect: null,
  last,
  xattrWhiteouts: false,
});

/** Char 0:0, or an empty regular file with the whiteout attribute; in any layer (semantics 1.3). */
export function isWhiteout(stat: Stat, xattrs: readonly ByteString[], whiteoutName: ByteString): boolean {
  if ((stat.mode & S_IFMT) === S_IFCHR) return stat.rdevMajor === 0 && stat.rdevMinor === 0;
  return stat.size === 0 && isRegular(stat.mode) && xattrs.includes(whiteoutName);
}

const layerPath = (directory: RealDirectory, name: ByteString): ByteString =>
  `${directory.path === '/' ? '' : directory.path}/${name}`;

/** A metacopy attribute of one to three bytes is damage; longer ones are accepted (semantics 1.4). */
const METACOPY_MIN_BYTES = 4;

/** One layer asked for one path. Made for each layer of a lookup; the state goes on to the next layer. */
class LayerProbe {
  private opaque: 'y' | 'x' | null = null;
  private redirect: ByteString | null = null;

  constructor(
    private readonly stack: OverlayStack,
    private readonly layer: Layer,
    private readonly state: LookupState,
    private readonly trace: Trace | null,
  ) {}

  /** The object at the state's path, or null. */
  run(base: RealDirectory): Real | null {
    if (!this.state.path.startsWith('/')) return this.element(base, this.state.path, '', '');
    return this.walk(base);
  }

  /**
   * Follows an absolute path from the layer's root. A redirect on the way changes what the *following* layers look
   * for; the walk in this layer goes on with the original names. Each element counts from the end of the path, as
   * the prefix may have changed length meanwhile.
   */
  private walk(base: RealDirectory): Real | null {
    let remaining = this.state.path.length - 1;
    let directory = base;
    for (;;) {
      const { path } = this.state;
      const start = path.length - remaining;
      const slash = path.indexOf('/', start);
      const end = slash < 0 ? path.length : slash;
      const real = this.element(directory, path.slice(start, end), path.slice(0, start), path.slice(end));
      if (!real || slash < 0 || !real.directory) return real;
      directory = real.directory;
      remaining -= end - start + 1;
    }
  }

  /**
   * One element (semantics 2.2).
   * @param before elements already walked, with the slash after them
   * @param after  remaining elements, with the slash before them; empty for the last element
   */
  private element(base: RealDirectory, name: ByteString, before: ByteString, after: ByteString): Real | null {
    const { state, stack } = this;
    const lastElement = after === '';
    this.opaque = null;
    this.redirect = null;
    const found = this.find(base, name);
    if (typeof found === 'number') return this.missing(base, name, -found);
    const { stat, xattrs } = found;
    if (isWhiteout(stat, xattrs, stack.names.whiteout)) {
      state.stop = true;
      return this.note('whiteout', this.real(base, name, stat, xattrs));
    }
    if (lastElement && state.meta && !isRegular(stat.mode)) {
      state.stop = true;
      return this.note('stops', this.real(base, name, stat, xattrs));
    }
    const real = this.real(base, name, stat, xattrs);
    if (real.directory) {
      if (stack.isTrap(stat)) return this.refuse(base, name, ERRNO.ELOOP);
      if (lastElement) state.isDir = true;
      if (state.last || this.readOpaque(real, lastElement)) return this.accept(real, lastElement);
    } else {
      if (state.isDir || !lastElement) {
        state.stop = true;
        return this.note('stops', real);
      }
      state.meta = this.hasMetacopy(real);
      state.stop = !state.meta;
      if (!state.meta || state.last) return this.accept(real, lastElement);
    }
    this.followRedirect(real, before, after);
    return this.accept(real, lastElement);
  }

  private find(base: RealDirectory, name: ByteString): { stat: Stat; xattrs: readonly ByteString[] } | number {
    // What the kernel's single-element lookup refuses: `.`, `..` and nothing, which only a redirect can name.
    if (name === '' || name === '.' || name === '..') return -ERRNO.EACCES;
    if (this.stack.ociWhiteouts && isMarkName(name)) return -ERRNO.ENOENT;
    const stat = statAt(this.stack.directories.fdOf(base), name);
    if (typeof stat === 'number') return stat;
    const type = stat.mode & S_IFMT;
    // Only regular files and directories carry overlay attributes that a lookup reads.
    // Of others only a copy in the upper has one that counts: its origin (semantics 3.4).
    const isPlain = type !== 0o100000 && type !== 0o040000;
    if (isPlain && (this.layer.lane !== 'upper' || isWhiteout(stat, [], ''))) return { stat, xattrs: [] };
    const xattrs = listXattrsAt(this.stack.directories.fdOf(base), name);
    return typeof xattrs === 'number' ? xattrs : { stat, xattrs };
  }

  private missing(base: RealDirectory, name: ByteString, errno: number): null {
    if (errno !== ERRNO.ENOENT && errno !== ERRNO.ENAMETOOLONG) return this.refuse(base, name, errno);
    const mark = findMark(this.stack, base, name);
    if (mark) {
      this.state.stop = true;
      return this.note('whiteout', this.real(base, markOf(name)!, mark, []));
    }
    this.trace?.probes.push({
      layer: this.layer,
      path: layerPath(base, name),
      outcome: 'absent',
      real: null,
      opaque: null,
      redirect: null,
      metacopy: false,
      errno: null,
    });
    return null;
  }

  private refuse(base: RealDirectory, name: ByteString, errno: number): never {
    const path = layerPath(base, name);
    this.trace?.probes.push({
      layer: this.layer,
      path,
      outcome: 'error',
      real: null,
      opaque: this.opaque,
      redirect: this.redirect,
      metacopy: this.state.meta,
      errno: errnoName(errno),
    });
    throw new SystemError(errno, 'lookup', this.layer.path + path);
  }

  private real(base: RealDirectory, name: ByteString, stat: Stat, xattrs: readonly ByteString[]): Real {
    const directory = isDirectory(stat.mode) ? new RealDirectory(this.layer, base, name) : null;
    return { layer: this.layer, parent: base, name, stat, directory, xattrs, fd: -1 };
  }

  private accept(real: Real, lastElement: boolean): Real {
    this.note(lastElement ? 'found' : 'passed', real);
    return real;
  }

  private note(outcome: ProbeOutcome, real: Real): null {
    this.trace?.probes.push({
      layer: this.layer,
      path: layerPath(real.parent, real.name),
      outcome,
      real,
      opaque: this.opaque,
      redirect: this.redirect,
      metacopy: this.state.meta && !real.directory,
      errno: null,
    });
    return null;
  }

  /** Value of one of the object's overlay attributes, or null. Not asked for where the list does not have it. */
  private attribute(real: Real, name: ByteString): ByteString | null {
    if (!real.xattrs.includes(name)) return null;
    const value = getXattrAt(this.stack.directories.fdOf(real.parent), real.name, name);
    if (typeof value === 'string') return value;
    return value === -ERRNO.ENODATA ? null : this.refuse(real.parent, real.name, -value);
  }

  /** Returns true where the directory is opaque: what lies below it is not merged. */
  private readOpaque(real: Real, lastElement: boolean): boolean {
    const value = this.attribute(real, this.stack.names.opaque);
    if (value === 'x' && lastElement && this.layer.lane !== 'upper') {
      this.opaque = 'x';
      this.state.xattrWhiteouts = true;
      this.layer.xattrWhiteouts = true;
    }
    if (value !== 'y' && !isMarkedOpaque(this.stack, real.parent, real.name)) return false;
    this.opaque = 'y';
    this.state.stop = true;
    return true;
  }

  private hasMetacopy(real: Real): boolean {
    if (!isRegular(real.stat.mode)) return false;
    const value = this.attribute(real, this.stack.names.metacopy);
    if (value === null) return false;
    if (value.length > 0 && value.length < METACOPY_MIN_BYTES) this.refuse(real.parent, real.name, ERRNO.EIO);
    return true;
  }

  /** Reads the redirect and sets what the following layers look for (semantics 1.2, 2.2 step 6). */
  private followRedirect(real: Real, before: ByteString, after: ByteString): void {
    const { state } = this;
    state.absolute = false;
    const value = this.attribute(real, this.stack.names.redirect);
    if (value === null) return;
    // A C string ends at its NUL; an attribute with no byte at all is damage.
    const text = value.split('\0', 1)[0]!;
    this.redirect = text;
    if (value.length === 0 || !isValidRedirect(text)) this.refuse(real.parent, real.name, ERRNO.EINVAL);
    if (text.startsWith('/')) {
      state.absolute = true;
      state.stop = false;
      state.path = text + after;
    } else {
      state.path = before + text + after;
    }
    state.redirect = state.path;
  }
}

/** A name without slash, or an absolute path without empty elements. */
function isValidRedirect(text: ByteString): boolean {
  if (!text.startsWith('/')) return !text.includes('/');
  return text
    .slice(1)
    .split('/')
    .every((element) => element !== '');
}

/** Asks one layer, from `base`, for what the state looks for (semantics 2.2). Throws a SystemError. */
export function probeLayer(
  stack: OverlayStack,
  layer: Layer,
  base: RealDirectory,
  state: LookupState,
  trace: Trace | null,
): Real | null {
  return new LayerProbe(stack, layer, state, trace).run(base);
}
