// SPDX-License-Identifier: MIT
import type { ByteString } from './bytes';
import type { OptionValues } from './option-values';

/** One directory in a lane. `id` is unique within its composition and survives moves. */
export interface LayerEntry {
  readonly id: string;
  readonly path: ByteString;
}

/** The writable layer; `workdir` is empty while none is chosen. */
export interface UpperEntry {
  readonly path: ByteString;
  readonly workdir: ByteString;
}

/** A stack of layers with its mount options: what the user composes, saves, mounts and takes away. */
export interface Composition {
  readonly id: string;
  readonly name: string;
  readonly upper: UpperEntry | null;
  /** Merged lower layers, the top one first. */
  readonly lowers: readonly LayerEntry[];
  /** Data-only layers, in the order in which they are searched. */
  readonly data: readonly LayerEntry[];
  readonly options: OptionValues;
  /** Where it was last mounted or is meant to be; null while not chosen. */
  readonly mountpoint: ByteString | null;
}

export type Lane = 'upper' | 'lower' | 'data';

/** A layer at its place in the stack: upper (if any), lowers, data-only. */
export interface StackLayer {
  /** Position in the stack; what `layer` numbers in rows, ladders and findings mean. */
  readonly index: number;
  readonly lane: Lane;
  /** `U` for the upper, then `A`, `B`, … `Z`, `AA`, … down the stack. */
  readonly letter: string;
  /** The entry's id, or `upper`. */
  readonly id: string;
  readonly path: ByteString;
}

/** The stack from top to bottom, with the letters that name its layers everywhere. */
export function stackOf(composition: Pick<Composition, 'upper' | 'lowers' | 'data'>): StackLayer[] {
  const stack: StackLayer[] = [];
  const { upper, lowers, data } = composition;
  if (upper) stack.push({ index: 0, lane: 'upper', letter: 'U', id: 'upper', path: upper.path });
  let lettered = 0;
  const add = (lane: Lane, entries: readonly LayerEntry[]): void => {
    for (const { id, path } of entries) {
      stack.push({ index: stack.length, lane, letter: letterOf(lettered++), id, path });
    }
  };
  add('lower', lowers);
  add('data', data);
  return stack;
}

/** 0 → `A`, 25 → `Z`, 26 → `AA`, as spreadsheet columns count. */
export function letterOf(position: number): string {
  const rest = Math.floor(position / 26);
  return (rest > 0 ? letterOf(rest - 1) : '') + String.fromCharCode(65 + (position % 26));
}
