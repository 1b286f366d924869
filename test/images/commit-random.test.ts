// SPDX-License-Identifier: MIT
import { createReadStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'vitest';
import { engineOptions } from '@shared/lamina-options';
import { parseMountOptions } from '../../src/main/commands/parse-options';
import { buildLayer } from '../../src/main/images/commit/layer-blob';
import { openRange, type LayerRange } from '../../src/main/images/commit/range';
import { DEFAULT_LIMITS } from '../../src/main/images/unpack/limits';
import { unpackLayer } from '../../src/main/images/unpack/unpack-layer';
import { NEVER } from '../support/committed';
import { Program, type FileOperation } from '../support/file-operations';
import { buildStack, withKernelMount, type BuiltStack, type StackSpec } from '../support/kernel';
import { plainStackSpec } from '../support/plain-stack';
import { operation } from '../support/random-operations';
import { makeScratch, removeScratch } from '../support/scratch';
import { seenTree } from '../support/seen-tree';
import { firstDifferences } from '../support/view';
import { onKernel } from '../support/writable-stack';

/*
 * Random operations in a kernel mount of a random stack. Then each layer is committed on those below it, and all as
 * one: unpacked again, and mounted by the kernel, they show what the stack showed. `LAMINA_COMMITS` rounds,
 * `LAMINA_SEED` to repeat a run.
 */
const ROUNDS = Number(process.env['LAMINA_COMMITS'] ?? 60);
const SEED = Number(process.env['LAMINA_SEED'] ?? 20_261_126);
const LENGTH = 60;
const OPTION_SETS: readonly string[][] = [['redirect_dir=on'], ['metacopy=on'], [], ['userxattr']];

async function repacked(built: BuiltStack, words: readonly string[], range: LayerRange, to: string): Promise<string> {
  const subject = { ...built, options: parseMountOptions(words.join(','), '/').options };
  const stacks = openRange(subject, engineOptions(subject), range);
  const file = `${to}.blob`;
  try {
    await buildLayer(stacks, {
      file,
      packing: 'tar',
      newest: null,
      note: () => {},
      signal: NEVER,
      onProgress: () => {},
    });
  } finally {
    stacks.close();
  }
  mkdirSync(to);
  const target = {
    ...{ layer: to, folder: to, tarSplit: `${to}.split`, limits: DEFAULT_LIMITS },
    ...({ names: 'trusted', owners: 'real' } as const),
  };
  await unpackLayer(createReadStream(file), target, NEVER, () => {});
  return to;
}

function same(what: string, expected: readonly string[], found: readonly string[]): void {
  const differences = firstDifferences(expected, found);
  if (differences.length > 0) throw new Error(`${what}:\n${differences.join('\n')}`);
}

async function check(
  folder: string,
  spec: StackSpec,
  operations: readonly FileOperation[],
  words: readonly string[],
): Promise<void> {
  const built = buildStack(folder, spec);
  await onKernel(built, words, (at) => {
    const program = new Program(at, Math.floor(Date.now() / 1000) - 60, false, false);
    for (const each of operations) program.run(each);
    program.close();
  });
  const expected = withKernelMount(built, words, seenTree);
  if (!Array.isArray(expected)) throw expected;
  const last = built.lowers.length;
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const whole = await repacked(built, words, { top: 0, bottom: last }, join(folder, 'whole'));
  same('squashed', expected, mounted(folder, [whole, empty]));
  const layers: string[] = [];
  for (let i = 0; i <= last; i++)
    layers.push(await repacked(built, words, { top: i, bottom: i }, join(folder, `p${i}`)));
  same('layer by layer', expected, mounted(folder, layers));
}

/** Layers as a plain mount of the kernel's shows them. */
function mounted(folder: string, layers: readonly string[]): readonly string[] {
  const lowers = layers.map((path) => ({ id: path, path }));
  return withKernelMount({ folder, upper: null, data: [], lowers }, [], seenTree) as string[];
}

test(`${ROUNDS} random uppers on random lowers are unpacked to what the kernel showed`, async () => {
  let round = 0;
  const property = fc.asyncProperty(
    plainStackSpec,
    fc.array(operation, { minLength: LENGTH, maxLength: LENGTH }),
    async (spec, operations) => {
      const folder = makeScratch(round % 2 ? 'disk' : 'tmpfs');
      const words = OPTION_SETS[round++ % OPTION_SETS.length]!;
      try {
        await check(folder, spec, operations, words);
      } catch (error) {
        throw new Error(`${words.join()}: ${(error as Error).message}`);
      } finally {
        removeScratch(folder);
      }
    },
  );
  const details = await fc.check(property, { numRuns: ROUNDS, seed: SEED, endOnFailure: true });
  if (details.failed) throw new Error(`LAMINA_SEED=${details.seed}: ${(details.errorInstance as Error)?.message}`);
}, 600_000);
