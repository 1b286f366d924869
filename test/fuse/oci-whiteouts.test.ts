// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { engineOptions } from '@shared/lamina-options';
import { judgeOptions } from '@shared/options';
import { parseMountOptions } from '../../src/main/commands/parse-options';
import { mount, unmount } from '../../src/main/system/mount';
import { Program, type FileOperation } from '../support/file-operations';
import { buildStack, kernelOptions, type BuiltStack, type StackSpec } from '../support/kernel';
import { viewAt } from '../support/kernel-view';
import { LaminaMount } from '../support/lamina-mount';
import { plainStackSpec } from '../support/plain-stack';
import { operation } from '../support/random-operations';
import { makeScratch, removeScratch } from '../support/scratch';
import { firstDifferences } from '../support/view';

/*
 * Random operations in a stack with whiteouts=oci: whatever form the whiteouts have, programs must see what they see on
 * the kernel's overlayfs, at once and after a remount. `LAMINA_SEQUENCES` and `LAMINA_SEED` as in writes.test.ts.
 */
const SEQUENCES = Math.ceil(Number(process.env['LAMINA_SEQUENCES'] ?? 200) / 5);
const SEED = Number(process.env['LAMINA_SEED'] ?? 20_261_127);
const LENGTH = 150;
const LIMITS = { depth: 5, ordered: false };
const NAMES = ['a', 'b', 'c', 'd', 'new', '\xff\xfe', 'L'.repeat(255)];
const OPTION_SETS: readonly string[][] = [[], ['redirect_dir=on'], ['metacopy=on'], ['index=on'], ['userxattr']];

interface Outcome {
  readonly results: string[];
  readonly view: string[];
}

const timeless = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/mtime=\d+\.\d+/, ''));
const look = (at: string): string[] => timeless(viewAt(at, NAMES, LIMITS));

function work(at: string, operations: readonly FileOperation[], now: number): Outcome {
  const program = new Program(at, now, false, false);
  try {
    return { results: operations.map((each) => program.run(each)), view: look(at) };
  } finally {
    program.close();
  }
}

function onKernel<T>(built: BuiltStack, words: readonly string[], use: (at: string) => T): T {
  const at = `${built.folder}/k`;
  mkdirSync(at, { recursive: true });
  mount('overlay', at, 'overlay', 0, kernelOptions(built, words));
  try {
    return use(at);
  } finally {
    if (unmount(at, false) !== 0) unmount(at, true);
  }
}

async function onLamina<T>(built: BuiltStack, words: readonly string[], use: (at: string) => T): Promise<T> {
  const { options } = parseMountOptions(words.join(','), '/');
  const subject = { upper: built.upper, lowers: built.lowers, data: built.data, options };
  const engine = { ...engineOptions(subject), whiteouts: 'oci' as const };
  const mounted = await LaminaMount.start(built, engine, 'direct', undefined, judgeOptions(subject).effective);
  let result: T;
  try {
    result = use(mounted.at);
  } finally {
    expect(await mounted.stop()).toBe(0);
  }
  return result;
}

async function compare(
  folder: string,
  spec: StackSpec,
  operations: readonly FileOperation[],
  words: readonly string[],
): Promise<void> {
  for (const name of ['kernel', 'lamina']) mkdirSync(`${folder}/${name}`, { recursive: true });
  const now = Math.floor(Date.now() / 1000) - 60;
  const ofKernel = buildStack(`${folder}/kernel`, spec);
  const ofLamina = buildStack(`${folder}/lamina`, spec);
  const lamina = await onLamina(ofLamina, words, (at) => work(at, operations, now));
  const kernel = onKernel(ofKernel, words, (at) => work(at, operations, now));
  const at = kernel.results.findIndex((result, i) => result !== lamina.results[i]);
  const told = operations.slice(Math.max(0, at - 12), at + 1).map((each) => JSON.stringify(each));
  if (at >= 0)
    throw new Error(
      `operation ${at}:\n${told.join('\n')}\nkernel: ${kernel.results[at]}\nlamina: ${lamina.results[at]}`,
    );
  expect(firstDifferences(kernel.view, lamina.view), 'view').toEqual([]);
  const again = await onLamina(ofLamina, words, look);
  expect(firstDifferences(onKernel(ofKernel, words, look), again), 'after a remount').toEqual([]);
}

test(`${SEQUENCES} sequences of ${LENGTH} operations with whiteouts=oci are what the kernel's overlayfs does`, async () => {
  let run = 0;
  const property = fc.asyncProperty(
    plainStackSpec,
    fc.array(operation, { minLength: LENGTH, maxLength: LENGTH }),
    async (spec, operations) => {
      if (!spec.upper) return;
      const folder = makeScratch(run % 2 ? 'disk' : 'tmpfs');
      try {
        await compare(folder, spec, operations, OPTION_SETS[run++ % OPTION_SETS.length]!);
      } finally {
        removeScratch(folder);
      }
    },
  );
  const details = await fc.check(property, { numRuns: SEQUENCES, seed: SEED, endOnFailure: true });
  if (details.failed) throw new Error(`LAMINA_SEED=${details.seed}: ${(details.errorInstance as Error)?.message}`);
}, 600_000);
