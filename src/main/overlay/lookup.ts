// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ERRNO, errnoName, SystemError } from '../system/libc';
import { putXattr, setImpure } from './marks';
import { ANYWHERE, pathOf, placeOf, type Entry, type Real } from './entry';
import { isIndexed, lookupIndex } from './index-directory';
import { overlayXattr } from './overlay-xattr';
import { newLookupState, probeLayer, type LookupState } from './probe';
import type { OverlayStack } from './stack';
import type { Trace } from './trace';

/**
 * Resolves one name of a merged directory (semantics 2.3). Everything that asks what a name is goes through here: the
 * mount, the browser, the explanations.
 * @param trace      filled with every step, where given
 * @param components where readdir found the name (`ListedName.components`): the other components are not asked
 * @throws SystemError ENOENT, ENAMETOOLONG, EPERM, EIO, EINVAL, EACCES, ELOOP as the kernel gives them
 */
export function lookup(
  stack: OverlayStack,
  parent: Entry,
  name: ByteString,
  trace: Trace | null = null,
  components = ANYWHERE,
): Entry {
  const search = new Lookup(stack, parent, name, trace, components);
  return search.run() ?? search.refuse(ERRNO.ENOENT, 'no layer has it');
}

/** As `lookup`, null where no layer has the name: nothing is found more often than anything else, and must be cheap. */
export function find(stack: OverlayStack, parent: Entry, name: ByteString): Entry | null {
  return new Lookup(stack, parent, name, null, ANYWHERE).run();
}

class Lookup {
  private readonly state: LookupState;
  private upper: Real | null = null;
  private upperMetacopy = false;
  private upperRedirect: ByteString | null = null;
  private readonly lowers: Real[] = [];
  /** The regular lowers to ask: the parent's, or all from their roots after an absolute redirect. */
  private candidates: readonly Real[];
  private readonly rootCandidates: readonly Real[];

  constructor(
    private readonly stack: OverlayStack,
    private readonly parent: Entry,
    private readonly name: ByteString,
    private readonly trace: Trace | null,
    private readonly components: number,
  ) {
    this.candidates = parent.lowers;
    this.rootCandidates = stack.root.lowers;
    this.state = newLookupState(name, !stack.rules.follow && parent.lowers.length === 0);
  }

  run(): Entry | null {
    if (this.name.length > this.stack.nameMax) this.refuse(ERRNO.ENAMETOOLONG, 'the name is too long for every layer');
    this.probeUpper();
    this.probeLowers();
    const lazyData = this.lazyData();
    if (lazyData === null) this.checkPolicy();
    const noData = this.state.meta && lazyData === null;
    if (noData || (this.upperMetacopy && this.lowers.length === 0)) {
      this.refuse(ERRNO.EIO, 'metacopy with no lower data found');
    }
    if (!this.upper && this.lowers.length === 0) return null;
    const entry: Entry = {
      parent: this.parent,
      name: this.name,
      upper: this.upper,
      lowers: this.lowers,
      metacopy: this.upper ? this.upperMetacopy : lazyData !== null || (!this.state.isDir && this.lowers.length > 1),
      lazyData,
      redirect: this.upperRedirect,
      indexed: false,
      upperUnnamed: false,
      xattrWhiteouts: this.state.xattrWhiteouts,
      foundData: null,
    };
    if (this.stack.area) settle(this.stack, entry);
    return entry;
  }

  private probeUpper(): void {
    const directory = this.parent.upper?.directory;
    if (!directory || (this.components & 1) === 0) return;
    this.upper = probeLayer(this.stack, directory.layer, directory, this.state, this.trace);
    this.upperMetacopy = this.upper !== null && this.state.meta;
    this.upperRedirect = this.state.redirect;
    if (this.state.redirect?.startsWith('/')) this.candidates = this.rootCandidates;
  }

  private probeLowers(): void {
    const { state, stack } = this;
    for (let i = 0; !state.stop && i < this.candidates.length; i++) {
      const candidate = this.candidates[i]!;
      const { layer } = candidate;
      this.checkPolicy();
      this.decideLast(i, layer.index);
      if (this.isKnownAbsent(i)) continue;
      const real = probeLayer(stack, layer, candidate.directory!, state, this.trace);
      if (!real) continue;
      // Of a chain of metacopies only the top one and the data are kept.
      if (!state.meta || this.lowers.length === 0) this.lowers.push(real);
      if (state.stop) return;
      if (state.redirect?.startsWith('/') && this.candidates !== this.rootCandidates) {
        this.candidates = this.rootCandidates;
        i = this.rootCandidates.findIndex((root) => root.layer === layer);
      }
    }
  }

  /** As long as no redirect led elsewhere, readdir of the parent said which components have the name. */
  private isKnownAbsent(position: number): boolean {
    const component = this.parent.upper ? position + 1 : position;
    return this.state.redirect === null && (this.components & (1 << component)) === 0;
  }

  /** Whether nothing can be below this layer (semantics 2.3 step 3.2); "no" otherwise stays as it was. */
  private decideLast(position: number, layerIndex: number): void {
    const { rules, lastRegular } = this.stack;
    if (!rules.follow && !this.stack.hasData) this.state.last = position === this.candidates.length - 1;
    else if (this.state.isDir || !this.stack.hasData) this.state.last = layerIndex === lastRegular;
  }

  private checkPolicy(): void {
    const { rules } = this.stack;
    if (this.state.meta && !rules.metacopy) this.refuse(ERRNO.EPERM, 'refusing to follow metacopy origin');
    if (this.state.redirect !== null && !rules.follow) this.refuse(ERRNO.EPERM, 'refusing to follow redirect');
  }

  /** Where the data are looked up at first use: only a lower object with an absolute redirect leads there. */
  private lazyData(): ByteString | null {
    const { meta, absolute, redirect } = this.state;
    return meta && absolute && this.lowers.length > 0 && this.stack.hasData ? redirect : null;
  }

  refuse(errno: number, reason: string): never {
    if (this.trace) this.trace.refusal = { errno: errnoName(errno), reason };
    const path = pathOf(this.parent);
    throw new SystemError(errno, 'lookup', path === '/' ? `/${this.name}` : `${path}/${this.name}`);
  }
}

/** What a lookup in a writable stack does on top: finds copies through the index, and notes origins (semantics 1.5, 1.7). */
function settle(stack: OverlayStack, entry: Entry): void {
  const { upper, lowers } = entry;
  const lower = lowers[0];
  const index = stack.area?.index;
  if (upper?.directory) {
    if (lower) noteOrigin(stack, entry, upper, lower);
  } else if (upper) {
    entry.indexed = isIndexed(stack, upper);
  } else if (index && lower && !lower.directory && lower.stat.nlink > 1) {
    const copy = lookupIndex(stack, index, lower);
    if (!copy) return;
    Object.assign(entry, { upper: copy, indexed: true, upperUnnamed: true });
    entry.metacopy = copy.xattrs.includes(stack.names.metacopy);
    if (!entry.metacopy) entry.lazyData = null;
    entry.redirect = overlayXattr(stack, copy, stack.names.redirect);
  }
}

/** A merged directory of the upper says which lower it belongs to from its first lookup on; looking must not fail for it. */
function noteOrigin(stack: OverlayStack, entry: Entry, upper: Real, lower: Real): void {
  if (upper.xattrs.includes(stack.names.origin)) return;
  try {
    putXattr(stack, upper, stack.names.origin, stack.origins.encode(lower.layer, placeOf(stack.directories, lower)));
    setImpure(stack, entry.parent!.upper!);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
}
