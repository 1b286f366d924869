// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SystemError } from '../../src/main/system/libc';
import { buildStack, withKernelMount, type BuiltStack } from '../support/kernel';
import { viewAt } from '../support/kernel-view';
import { LaminaMount, TRANSPORTS, type TransportName } from '../support/lamina-mount';
import { OPTION_SETS } from '../support/option-sets';
import { NAMES, stackSpec } from '../support/random-stack';
import { makeScratch, removeScratch } from '../support/scratch';
import { firstDifferences } from '../support/view';

/** `LAMINA_MOUNTS=1000 npm test -- fuse` for the long run; `LAMINA_SEED=n` for other stacks. */
const MOUNTS = Number(process.env['LAMINA_MOUNTS'] ?? 100);
const SEED = Number(process.env['LAMINA_SEED'] ?? 20_261_124);
const LIMITS = { depth: 5, ordered: true };

async function compare(built: BuiltStack, transport: TransportName, turn: number): Promise<number> {
  const { kernel, engine } = OPTION_SETS[turn % OPTION_SETS.length]!;
  const views = withKernelMount(built, kernel, (at) => [viewAt(at, NAMES, LIMITS), viewAt(at, NAMES, LIMITS)] as const);
  if (views instanceof SystemError) return 0;
  const [expected, expectedAgain] = views;
  const mount = await LaminaMount.start(built, engine, transport);
  try {
    const seen = viewAt(mount.at, NAMES, LIMITS);
    const again = viewAt(mount.at, NAMES, LIMITS);
    // With `direct` the kernel keeps listings. Without, they are read again, and below `opaque=x` they depend on what
    // was looked up meanwhile, as the kernel's own do (docs/differences.md).
    const next = transport === 'direct' ? seen : expectedAgain;
    const differences = [...firstDifferences(expected, seen), ...firstDifferences(next, again)];
    if (differences.length > 0)
      throw new Error(`-o ${kernel.join(',')}: kernel (-) and ${transport} (+) differ\n${differences.join('\n')}`);
  } finally {
    expect(await mount.stop()).toBe(0);
  }
  return 1;
}

test.each(TRANSPORTS)(
  'random stacks look the same through the kernel and a mount by %s',
  { timeout: 7_200_000 },
  async (transport) => {
    const scratch = makeScratch('tmpfs');
    let made = 0;
    let compared = 0;
    try {
      await fc.assert(
        fc.asyncProperty(stackSpec, async (spec) => {
          const folder = `${scratch}/${made++}`;
          mkdirSync(folder);
          compared += await compare(buildStack(folder, spec), transport, made);
          removeScratch(folder);
        }),
        { numRuns: MOUNTS, seed: SEED, interruptAfterTimeLimit: 3_600_000 },
      );
    } finally {
      removeScratch(scratch);
    }
    expect(compared).toBeGreaterThan(MOUNTS / 2);
  },
);
