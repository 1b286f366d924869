// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import {
  COMPARED,
  COMPARE_KINDS,
  noCounts,
  type Compared,
  type ComparedObject,
  type CompareCounts,
  type CompareKind,
  type CompareRow,
  type CompareSummary,
} from '@shared/compare';
import type { FileKind } from '@shared/view';
import { float64, uint16, uint8 } from '../columns';
import { NONE, PathTable, ROOT } from '../path-table';

const TYPES = [
  'file',
  'directory',
  'symlink',
  'char',
  'block',
  'fifo',
  'socket',
  'unknown',
] as const satisfies readonly (FileKind | 'unknown')[];
/** In place of a kind or a type. */
const NOTHING = 255;

/** A change as it is found. */
export interface FoundDifference {
  readonly kind: CompareKind;
  readonly left: ComparedObject | null;
  readonly right: ComparedObject | null;
  readonly differs: readonly Compared[];
}

/** What of the tree somebody wants to see. */
export interface CompareFilter {
  /** None means all. */
  readonly kinds: readonly CompareKind[];
  /** Part of the path as it is shown, in any case; empty for all. */
  readonly text: string;
  /** Directories whose content is folded away. */
  readonly folded: readonly number[];
}

/** The tree of what differs: changes, and the directories above them. Compact: there may be half a million. */
export class ChangeTree {
  readonly table = new PathTable();
  readonly #kind = uint8();
  readonly #leftType = uint8();
  readonly #rightType = uint8();
  readonly #leftSize = float64();
  readonly #rightSize = float64();
  readonly #differs = uint16();
  #counts = noCounts();
  #bytes = { addedBytes: 0, removedBytes: 0, leftBytes: 0, rightBytes: 0 };

  constructor() {
    this.#pushEmpty();
  }

  /** A directory on the way to a change; it may become one itself. */
  addDirectory(parent: number, name: ByteString): number {
    const node = this.table.add(parent, name);
    this.#pushEmpty();
    this.#leftType.set(node, TYPES.indexOf('directory'));
    this.#rightType.set(node, TYPES.indexOf('directory'));
    return node;
  }

  set(node: number, { kind, left, right, differs }: FoundDifference): void {
    this.#kind.set(node, COMPARE_KINDS.indexOf(kind));
    this.#leftType.set(node, left ? TYPES.indexOf(left.type) : NOTHING);
    this.#rightType.set(node, right ? TYPES.indexOf(right.type) : NOTHING);
    this.#leftSize.set(node, left?.size ?? 0);
    this.#rightSize.set(node, right?.size ?? 0);
    this.#differs.set(
      node,
      differs.reduce((bits, one) => bits | (1 << COMPARED.indexOf(one)), 0),
    );
    this.#counts[kind]++;
    if (kind === 'added') this.#bytes.addedBytes += right!.size;
    else if (kind === 'removed') this.#bytes.removedBytes += left!.size;
    else if (kind === 'modified' || kind === 'type') {
      this.#bytes.leftBytes += left!.size;
      this.#bytes.rightBytes += right!.size;
    }
  }

  summary(names: number): CompareSummary {
    return { counts: { ...this.#counts }, ...this.#bytes, names };
  }

  row(node: number): CompareRow {
    const path = this.table.pathOf(node);
    const kind = this.#kindOf(node);
    const left = this.#object(this.#leftType.get(node), this.#leftSize.get(node));
    const right = this.#object(this.#rightType.get(node), this.#rightSize.get(node));
    return {
      node,
      level: node === ROOT ? 1 : path.split('/').length - 1,
      name: node === ROOT ? '/' : display(this.table.nameOf(node)),
      path: display(path),
      kind,
      left,
      right,
      differs: COMPARED.filter((_, bit) => (this.#differs.get(node) & (1 << bit)) !== 0),
      below: left?.type === 'directory' || right?.type === 'directory' ? this.#countBelow(node) : null,
    };
  }

  /** All changes in the order of a walk, for a list. */
  *changes(): Generator<CompareRow> {
    for (const node of this.#walk(ROOT)) if (this.#kindOf(node) !== null) yield this.row(node);
  }

  /** The nodes that a filter shows: the changes that match, each below the directories it is in. */
  shown({ kinds, text, folded }: CompareFilter): number[] {
    const wanted = text.toLowerCase();
    const closed = new Set(folded);
    const all = kinds.length === 0;
    const nodes: number[] = [];
    const matches = (node: number): boolean => {
      const kind = this.#kindOf(node);
      if (kind === null || !(all || kinds.includes(kind))) return false;
      return wanted === '' || display(this.table.pathOf(node)).toLowerCase().includes(wanted);
    };
    /** Directories on the way that are not listed yet. */
    const pending: number[] = [];
    let hiddenBelow = NONE;
    for (const node of this.#walk(ROOT)) {
      while (pending.length > 0 && !this.#isWithin(node, pending.at(-1)!)) pending.pop();
      if (hiddenBelow !== NONE && this.#isWithin(node, hiddenBelow)) {
        if (pending.length > 0 && matches(node)) nodes.push(...pending.splice(0));
        continue;
      }
      hiddenBelow = NONE;
      if (matches(node)) nodes.push(...pending.splice(0), node);
      else pending.push(node);
      if (closed.has(node)) hiddenBelow = node;
    }
    return nodes[0] === ROOT && this.#kindOf(ROOT) === null ? nodes.slice(1) : nodes;
  }

  #isWithin(node: number, directory: number): boolean {
    for (let at = node; at !== NONE; at = this.table.parentOf(at)) if (at === directory) return true;
    return false;
  }

  /** A directory before what is in it, names in the order in which they were found. */
  *#walk(node: number): Generator<number> {
    const waiting = [node];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      yield at;
      waiting.push(...this.table.children(at));
    }
  }

  #countBelow(node: number): CompareCounts {
    const counts = noCounts();
    this.table.each(node, (below) => {
      const kind = below === node ? null : this.#kindOf(below);
      if (kind !== null) counts[kind]++;
    });
    return counts;
  }

  #kindOf(node: number): CompareKind | null {
    const kind = this.#kind.get(node);
    return kind === NOTHING ? null : COMPARE_KINDS[kind]!;
  }

  #object(type: number, size: number): ComparedObject | null {
    return type === NOTHING ? null : { type: TYPES[type]!, size };
  }

  #pushEmpty(): void {
    this.#kind.push(NOTHING);
    this.#leftType.push(NOTHING);
    this.#rightType.push(NOTHING);
    this.#leftSize.push(0);
    this.#rightSize.push(0);
    this.#differs.push(0);
  }
}
