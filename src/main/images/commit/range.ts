// SPDX-License-Identifier: MIT
import { stackOf, type Composition } from '@shared/composition';
import { Failure } from '@shared/failure';
import type { EngineOptions } from '@shared/lamina-options';
import { OverlayStack } from '../../overlay/stack';

/** Layers of a composition that become one: positions in `stackOf(composition)`, both included. */
export interface LayerRange {
  readonly top: number;
  readonly bottom: number;
}

/** The tree that a range of a stack and all below it make, and the tree of what lies below alone. */
export interface RangeStacks {
  /** The range's layers come first. */
  readonly whole: OverlayStack;
  /** Of the layers of `whole` these are the range's. */
  readonly count: number;
  /** Null where the range goes down to the last lower: the new layer then has everything. */
  readonly below: OverlayStack | null;
  close(): void;
}

type Subject = Pick<Composition, 'upper' | 'lowers' | 'data'>;

/** The stack from a layer on downwards; data-only layers belong to all of them. */
function from(subject: Subject, index: number): Subject {
  const uppers = subject.upper ? 1 : 0;
  return {
    upper: index === 0 ? subject.upper : null,
    lowers: subject.lowers.slice(Math.max(0, index - uppers)),
    data: subject.data,
  };
}

/**
 * Opens the stacks whose difference is the new layer. Close them when done.
 * @throws Failure EINVAL for a range that is none, and where a layer cannot be read
 */
export function openRange(subject: Subject, options: EngineOptions, { top, bottom }: LayerRange): RangeStacks {
  const layers = stackOf(subject).filter(({ lane }) => lane !== 'data');
  if (top < 0 || bottom < top || bottom >= layers.length) {
    throw new Failure(
      'EINVAL',
      'The layers to commit are no range of the stack.',
      `Give one between ${layers[0]?.letter} and ${layers.at(-1)?.letter}; data-only layers are part of every layer that needs them.`,
    );
  }
  const whole = new OverlayStack(from(subject, top), options);
  try {
    const below = bottom === layers.length - 1 ? null : new OverlayStack(from(subject, bottom + 1), options);
    return {
      whole,
      count: bottom - top + 1,
      below,
      close() {
        whole.close();
        below?.close();
      },
    };
  } catch (error) {
    whole.close();
    throw error;
  }
}
