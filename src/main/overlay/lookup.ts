// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { ERRNO, errnoName, SystemError } from '../system/libc';
import { ANYWHERE, pathOf, type Entry, type Real } from './entry';
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
  return new Lookup(stack, parent, name, trace, components).run();
}

class Lookup {
  private readonly state: LookupState;
  private upper: Real | null = null;
  private upperMetacopy = false;
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

  run(): Entry {
    if (this.name.length > this.stack.nameMax) this.refuse(ERRNO.ENAMETOOLONG, 'the name is too long for every layer');
    this.probeUpper();
    this.probeLowers();
    const lazyData = this.lazyData();
    if (lazyData === null) this.checkPolicy();
    const noData = this.state.meta && lazyData === null;
    if (noData || (this.upperMetacopy && this.lowers.length === 0)) {
      this.refuse(ERRNO.EIO, 'metacopy with no lower data found');
    }
    if (!this.upper && this.lowers.length === 0) this.refuse(ERRNO.ENOENT, 'no layer has it');
    return {
      parent: this.parent,
      name: this.name,
      upper: this.upper,
      lowers: this.lowers,
      metacopy: this.upper ? this.upperMetacopy : lazyData !== null || (!this.state.isDir && this.lowers.length > 1),
      lazyData,
      xattrWhiteouts: this.state.xattrWhiteouts,
      foundData: null,
    };
  }

  private probeUpper(): void {
    const directory = this.parent.upper?.directory;
    if (!directory || (this.components & 1) === 0) return;
    this.upper = probeLayer(this.stack, directory.layer, directory, this.state, this.trace);
    this.upperMetacopy = this.upper !== null && this.state.meta;
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

  private refuse(errno: number, reason: string): never {
    if (this.trace) this.trace.refusal = { errno: errnoName(errno), reason };
    const path = pathOf(this.parent);
    throw new SystemError(errno, 'lookup', path === '/' ? `/${this.name}` : `${path}/${this.name}`);
  }
}
