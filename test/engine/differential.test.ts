// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EffectiveOptions } from '@shared/options';
import { OverlayStack } from '../../src/main/overlay/stack';
import { SystemError } from '../../src/main/system/libc';
import { buildStack, withKernelMount, type BuiltStack } from '../support/kernel';
import { NAMES, stackSpec } from '../support/random-stack';
import { makeScratch, removeScratch, type Medium } from '../support/scratch';
import { engineViewer, firstDifferences, mountViewer, snapshot } from '../support/view';

/** `LAMINA_STACKS=20000 npm test -- engine` for the long run; `LAMINA_SEED=n` to repeat one. */
const STACKS = Number(process.env['LAMINA_STACKS'] ?? 600);
const SEED = Number(process.env['LAMINA_SEED'] ?? Date.now() % 2 ** 31);

type EngineOptions = Pick<EffectiveOptions, 'metacopy' | 'redirectDir' | 'userxattr'>;

/** What the kernel is told, and what the engine is told for it. */
const OPTION_SETS: readonly { kernel: readonly string[]; engine: EngineOptions; upper?: boolean }[] = [
  { kernel: [], engine: { metacopy: false, redirectDir: 'follow', userxattr: false } },
  { kernel: ['metacopy=on'], engine: { metacopy: true, redirectDir: 'on', userxattr: false } },
  { kernel: ['redirect_dir=nofollow'], engine: { metacopy: false, redirectDir: 'nofollow', userxattr: false } },
  { kernel: ['redirect_dir=on'], engine: { metacopy: false, redirectDir: 'on', userxattr: false } },
  { kernel: ['userxattr'], engine: { metacopy: false, redirectDir: 'nofollow', userxattr: true } },
];

const LIMITS = { depth: 5, ordered: true };

function engineView(built: BuiltStack, options: EngineOptions): string[] {
  const stack = new OverlayStack(built, options);
  try {
    return snapshot(engineViewer(stack), NAMES, LIMITS);
  } finally {
    stack.close();
  }
}

function kernelView(built: BuiltStack, options: readonly string[]): string[] | SystemError {
  return withKernelMount(built, options, (at) => {
    const viewer = mountViewer(at);
    try {
      return snapshot(viewer, NAMES, LIMITS);
    } finally {
      viewer.close();
    }
  });
}

let compared = 0;

function compareAll(built: BuiltStack): void {
  for (const { kernel, engine } of OPTION_SETS) {
    const expected = kernelView(built, kernel);
    if (expected instanceof SystemError) continue;
    compared += 1;
    const differences = firstDifferences(expected, engineView(built, engine));
    if (differences.length > 0) {
      throw new Error(`-o ${kernel.join(',') || '(defaults)'}: kernel (-) and engine (+) differ\n${differences.join('\n')}`);
    }
  }
}

test.each<[Medium, number]>([
  ['tmpfs', Math.ceil(STACKS / 2)],
  ['disk', Math.floor(STACKS / 2)],
])('random stacks on %s look the same through the kernel and the engine (%i stacks)', { timeout: 7_200_000 }, (medium, runs) => {
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
});
