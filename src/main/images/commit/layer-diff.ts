// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { isDirectoryEntry, realsOf, topOf, type Entry, type Real } from '../../overlay/entry';
import { lookup } from '../../overlay/lookup';
import { listNames, readReal } from '../../overlay/readdir';
import type { OverlayStack } from '../../overlay/stack';
import { isMarkName, withoutMarks } from '../../overlay/whiteout-names';
import { ERRNO, SystemError } from '../../system/libc';
import { isSocket } from '../../system/stat';
import type { RangeStacks } from './range';

/** What a new layer says of one name. Paths are those of the merged tree, without the slash before them. */
export type LayerItem =
  /** It has this object; of a directory also whether it hides what lies below. */
  | { readonly kind: 'object'; readonly path: ByteString; readonly entry: Entry; readonly opaque: boolean }
  /** It takes away what lies below. */
  | { readonly kind: 'whiteout'; readonly path: ByteString }
  /** A socket, which no tar holds: the layer goes without. */
  | { readonly kind: 'socket'; readonly path: ByteString };

/**
 * The difference that a range of a stack makes to what lies below it, as one layer: laid on the tree below, it gives
 * the tree of both. Only directories that have a part in the range are looked into. What was moved into its place (a
 * redirect) is there in full, and its old place has a whiteout, because image layers know neither redirects nor metacopies.
 * Order: a directory before what is in it; in it first the names that are taken away, then the others, each by bytes.
 * @throws Failure for a name that an image layer cannot have, and for what the options of the stack do not let be seen
 */
export function* layerItems(stacks: RangeStacks): Generator<LayerItem> {
  const { whole, below } = stacks;
  yield* new Walk(stacks).directory('.', whole.root, below?.root ?? null);
}

class Walk {
  private readonly whole: OverlayStack;
  private readonly below: OverlayStack | null;

  constructor(private readonly stacks: RangeStacks) {
    this.whole = stacks.whole;
    this.below = stacks.below;
  }

  /** @param below what lies below at this place, if that is a directory */
  *directory(path: ByteString, entry: Entry, below: Entry | null): Generator<LayerItem> {
    const merges = below !== null && this.mergesWith(entry, below);
    yield { kind: 'object', path, entry, opaque: below !== null && !merges };
    const names = merges ? this.namesInRange(entry) : listNames(this.whole, entry).map(({ name }) => name);
    const found: { path: ByteString; entry: Entry; under: Entry | null }[] = [];
    for (const name of names.filter((each) => each !== '.' && each !== '..').sort(byBytes)) {
      const inside = path === '.' ? name : `${path}/${name}`;
      if (isMarkName(name)) throw isReserved(inside);
      const child = this.find(this.whole, entry, name);
      const under = merges ? this.find(this.below!, below, name) : ERRNO.ENOENT;
      if (child === ERRNO.ENOENT) {
        if (under !== ERRNO.ENOENT) yield { kind: 'whiteout', path: inside };
      } else if (typeof child === 'number') {
        throw cannotSee(inside, child);
      } else if (this.isInRange(topOf(child)) || !merges) {
        if (isSocket(topOf(child).stat.mode)) {
          if (under !== ERRNO.ENOENT) yield { kind: 'whiteout', path: inside };
          yield { kind: 'socket', path: inside };
        } else found.push({ path: inside, entry: child, under: typeof under === 'number' ? null : under });
      }
    }
    for (const child of found) yield* this.object(child.path, child.entry, child.under);
  }

  private *object(path: ByteString, entry: Entry, under: Entry | null): Generator<LayerItem> {
    if (isDirectoryEntry(entry)) yield* this.directory(path, entry, under && isDirectoryEntry(under) ? under : null);
    else yield { kind: 'object', path, entry, opaque: false };
  }

  private isInRange({ layer }: Real): boolean {
    return layer.index < this.stacks.count;
  }

  /** Whether the directory shows, under what the range has, just what is there without the range. */
  private mergesWith(entry: Entry, below: Entry): boolean {
    const lower = realsOf(entry).filter((real) => !this.isInRange(real));
    const alone = realsOf(below);
    return lower.length === alone.length && lower.every((real, i) => placeKey(real) === placeKey(alone[i]!));
  }

  /** All that the range's layers have in a directory, and take away. */
  private namesInRange(entry: Entry): ByteString[] {
    const names = new Set<ByteString>();
    for (const real of realsOf(entry)) {
      if (!this.isInRange(real)) break;
      const listed = withoutMarks(this.whole, readReal(this.whole, real.directory!));
      for (const { name } of listed.names) names.add(name);
      for (const name of listed.removed) names.add(name);
    }
    return [...names];
  }

  /** Looks up; the errno where that fails. */
  private find(stack: OverlayStack, parent: Entry, name: ByteString): Entry | number {
    try {
      return lookup(stack, parent, name);
    } catch (error) {
      if (error instanceof SystemError) return error.errno;
      throw error;
    }
  }
}

const byBytes = (a: ByteString, b: ByteString): number => (a < b ? -1 : 1);

/** Names an object of a layer in both stacks, in which the layer has different positions. */
const placeKey = ({ layer, parent, name }: Real): string => `${layer.path}\0${parent.path}\0${name}`;

function cannotSee(path: ByteString, errno: number): Failure {
  const { code } = new SystemError(errno, 'lookup', path);
  return new Failure(
    code,
    `/${display(path)} cannot be looked up with the options of the stack (${code}).`,
    errno === ERRNO.EPERM
      ? 'Give the options with which it was written: metacopy=on, redirect_dir=on.'
      : 'lamina explain tells which layer is in the way.',
  );
}

const isReserved = (path: ByteString): Failure =>
  new Failure(
    'EINVAL',
    `/${display(path)} cannot be in an image layer: there a name that starts with .wh. takes another one away (EINVAL).`,
    'Rename or remove it. Of a stack that container engines wrote, say whiteouts=oci.',
  );
