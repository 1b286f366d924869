// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EngineOptions } from '@shared/lamina-options';
import { OverlayStack } from '../../src/main/overlay/stack';
import { SystemError } from '../../src/main/system/libc';
import { buildStack, type BuiltStack } from '../support/kernel';
import { OPTION_SETS } from '../support/option-sets';
import { NAMES, stackSpec } from '../support/random-stack';
import { makeScratch, removeScratch, type Medium } from '../support/scratch';
import { kernelView } from '../support/kernel-view';
import { engineViewer, firstDifferences, snapshot } from '../support/view';

/** `LAMINA_STACKS=20000 npm test -- engine` for the long run; `LAMINA_SEED=n` for other stacks. */
const STACKS = Number(process.env['LAMINA_STACKS'] ?? 600);
const SEED = Number(process.env['LAMINA_SEED'] ?? 20_261_124);

const LIMITS = { depth: 5, ordered: true };

function engineView(built: BuiltStack, options: EngineOptions): string[] {
  const stack = new OverlayStack(built, options);
  try {
    return snapshot(engineViewer(stack), NAMES, LIMITS);
  } finally {
    stack.close();
  }
}

let compared = 0;

function compareAll(built: BuiltStack): void {
  for (const { kernel, engine } of OPTION_SETS) {
    const expected = kernelView(built, kernel, NAMES, LIMITS);
    if (expected instanceof SystemError) continue;
    compared += 1;
    const differences = firstDifferences(expected, engineView(built, engine));
    if (differences.length > 0) {
      throw new Error(
        `-o ${kernel.join(',') || '(defaults)'}: kernel (-) and engine (+) differ\n${differences.join('\n')}`,
      );
    }
  }
}

test.each<[Medium, number]>([
  ['tmpfs', Math.ceil(STACKS / 2)],
  ['disk', Math.floor(STACKS / 2)],
])(
  'random stacks on %s look the same through the kernel and the engine (%i stacks)',
  { timeout: 7_200_000 },
  (medium, runs) => {
    const before = compared;
    let made = 0;
    const scratch = makeScratch(medium);
    try {
      fc.assert(
        fc.property(stackSpec, (spec) => {
          const folder = `${scratch}/${made++}`;
          mkdirSync(folder);
          try {
            compareAll(buildStack(folder, spec));
          } finally {
            removeScratch(folder);
          }
        }),
        { numRuns: runs, seed: SEED, endOnFailure: false },
      );
    } finally {
      removeScratch(scratch);
    }
    // A generator that the kernel refuses to mount would prove nothing.
    expect(compared - before).toBeGreaterThan(runs * 3);
  },
);
