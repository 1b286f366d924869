// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeOptions } from '@shared/options';
import { parseMountOptions } from '../../src/main/commands/parse-options';
import { SystemError } from '../../src/main/system/libc';
import { mount, unmount } from '../../src/main/system/mount';
import { engineOptions } from '@shared/lamina-options';
import type { MountSpec } from '../../src/main/fuse/mount-record';
import { Program, type FileOperation } from '../support/file-operations';
import { buildStack, kernelOptions, type BuiltStack, type StackSpec } from '../support/kernel';
import { viewAt } from '../support/kernel-view';
import { LaminaMount, type TransportName } from '../support/lamina-mount';
import { libfuse2Operation, operation } from '../support/random-operations';
import { rawTree } from '../support/raw-tree';
import { makeScratch, removeScratch } from '../support/scratch';
import { firstDifferences } from '../support/view';
import { plainStackSpec } from '../support/plain-stack';

/**
 * 300 sequences in all, more of them for the transport that does more. `LAMINA_SEQUENCES=5000 npm test -- fuse` for the
 * long run, so many for each; `LAMINA_SEED=n` for others. A failure names its seed and
 * path, which `LAMINA_SEED` and `LAMINA_PATH` take.
 */
const SEQUENCES: Readonly<Record<TransportName, number>> = {
  direct: Number(process.env['LAMINA_SEQUENCES'] ?? 200),
  'fuse-native': Number(process.env['LAMINA_SEQUENCES'] ?? 100),
};
const SEED = Number(process.env['LAMINA_SEED'] ?? 20_261_126);
const LENGTH = 200;
/** Runs in search of a shorter one that fails too. */
const REDUCTIONS = Number(process.env['LAMINA_REDUCTIONS'] ?? 30);
const LIMITS = { depth: 5, ordered: false };
const NAMES = ['a', 'b', 'c', 'd', 'new', '\xff\xfe', 'L'.repeat(255)];

const OPTION_SETS: readonly string[][] = [
  [],
  ['redirect_dir=on'],
  ['metacopy=on'],
  ['index=on'],
  ['metacopy=on', 'index=on'],
  ['userxattr'],
  ['redirect_dir=nofollow'],
  ['xino=on'],
];

const OPERATIONS: Readonly<Record<TransportName, fc.Arbitrary<FileOperation>>> = {
  direct: operation,
  'fuse-native': libfuse2Operation,
};

interface Options {
  readonly kernel: readonly string[];
  readonly engine: MountSpec['options'];
  readonly write: MountSpec['write'];
}

function optionsOf(built: BuiltStack, words: readonly string[]): Options {
  const { options } = parseMountOptions(words.join(','), '/');
  const subject = { upper: built.upper, lowers: built.lowers, data: built.data, options };
  return { kernel: words, engine: engineOptions(subject), write: judgeOptions(subject).effective };
}

const nowless = (lines: readonly string[], now: number): string[] =>
  lines.map((line) =>
    line.replace(/mtime=(\d+)\.\d+/, (text, seconds: string) => (Number(seconds) >= now ? 'mtime=now' : text)),
  );

/**
 * A request of FUSE names an inode, not the name by which a program came to it. Of an indexed hard link the kernel links
 * the very name into the upper, Lamina one of them (docs/differences.md): the views tell whether all show the copy.
 */
const withoutIndexed = (lines: readonly string[]): string[] => lines.filter((line) => !line.includes('overlay.nlink'));

interface Outcome {
  readonly results: string[];
  readonly view: string[];
}

function work(
  at: string,
  operations: readonly FileOperation[],
  now: number,
  inos: boolean,
  transport: TransportName,
): Outcome {
  const program = new Program(at, now, inos, transport === 'fuse-native');
  try {
    return {
      results: operations.map((each) => program.run(each)),
      view: nowless(viewAt(at, NAMES, LIMITS), now),
    };
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

async function onLamina<T>(
  built: BuiltStack,
  words: readonly string[],
  transport: TransportName,
  use: (at: string) => T,
): Promise<T> {
  const { engine, write } = optionsOf(built, words);
  const mounted = await LaminaMount.start(built, engine, transport, undefined, write);
  let result: T;
  try {
    result = use(mounted.at);
  } finally {
    expect(await mounted.stop()).toBe(0);
  }
  return result;
}

function describe(operations: readonly FileOperation[], at: number): string {
  return operations
    .slice(Math.max(0, at - 12), at + 1)
    .map((each) => JSON.stringify(each))
    .join('\n');
}

function compareResults(
  operations: readonly FileOperation[],
  kernel: readonly string[],
  lamina: readonly string[],
): void {
  const at = kernel.findIndex((result, i) => result !== lamina[i]);
  if (at < 0) return;
  throw new Error(`operation ${at}:\n${describe(operations, at)}\nkernel: ${kernel[at]}\nlamina: ${lamina[at]}`);
}

function compareLines(what: string, kernel: readonly string[], lamina: readonly string[]): void {
  const differences = firstDifferences(kernel, lamina);
  if (differences.length > 0) throw new Error(`${what}: kernel (-) and lamina (+) differ\n${differences.join('\n')}`);
}

async function compare(
  folder: string,
  spec: StackSpec,
  operations: readonly FileOperation[],
  words: readonly string[],
  transport: TransportName,
  inos: boolean,
): Promise<void> {
  mkdirSync(`${folder}/kernel`, { recursive: true });
  mkdirSync(`${folder}/lamina`);
  const now = Math.floor(Date.now() / 1000) - 60;
  const ofKernel = buildStack(`${folder}/kernel`, spec);
  const ofLamina = buildStack(`${folder}/lamina`, spec);
  const lamina = await onLamina(ofLamina, words, transport, (at) => work(at, operations, now, inos, transport));
  const kernel = onKernel(ofKernel, words, (at) => work(at, operations, now, inos, transport));
  compareResults(operations, kernel.results, lamina.results);
  compareLines('view', kernel.view, lamina.view);
  const raw = (built: BuiltStack): string[] => withoutIndexed(rawTree(built.upper!.path, built.folder, now));
  compareLines('upper', raw(ofKernel), raw(ofLamina));
  // Each upper by the other implementation.
  const look = (at: string): string[] => nowless(viewAt(at, NAMES, LIMITS), now);
  compareLines('upper of Lamina, by the kernel', onKernel(ofKernel, words, look), onKernel(ofLamina, words, look));
  compareLines('upper of the kernel, by Lamina', kernel.view, await onLamina(ofKernel, words, transport, look));
}

/** The counterexample is long: what differed, and how to come back to it, says more. */
function report<T>({ failed, seed, counterexamplePath, errorInstance }: fc.RunDetails<T>): void {
  if (!failed) return;
  throw new Error(`LAMINA_SEED=${seed}, LAMINA_PATH=${counterexamplePath}: ${(errorInstance as Error)?.message}`);
}

/**
 * Compares; where it fails, leaves out operations as long as it still fails, so that what is left tells the story. Each
 * try takes two mounts, so there is a limit.
 */
async function compareAndReduce(...[folder, spec, operations, ...rest]: Parameters<typeof compare>): Promise<void> {
  const attempt = async (some: readonly FileOperation[]): Promise<Error | null> => {
    removeScratch(folder);
    return compare(folder, spec, some, ...rest).then(
      () => null,
      (error: Error) => error,
    );
  };
  let failure = await attempt(operations);
  if (!failure) return;
  let left = operations;
  let tries = REDUCTIONS;
  for (let chunk = left.length >> 1; chunk > 0 && tries > 0; chunk >>= 1) {
    for (let at = left.length - chunk; at >= 0 && tries > 0; at -= chunk, tries--) {
      const fewer = left.filter((_, i) => i < at || i >= at + chunk);
      const again = await attempt(fewer);
      if (again) [left, failure] = [fewer, again];
    }
  }
  throw new Error(
    `${JSON.stringify(spec)}\n${left.map((each) => JSON.stringify(each)).join('\n')}\n${failure.message}`,
    {
      cause: failure,
    },
  );
}

test.each<TransportName>(['direct', 'fuse-native'])(
  'random sequences of operations give the same through the kernel and a mount by %s',
  { timeout: 7_200_000 },
  async (transport) => {
    const media = { tmpfs: makeScratch('tmpfs'), disk: makeScratch('disk') };
    let turn = 0;
    try {
      await fc.assert(
        fc.asyncProperty(
          plainStackSpec,
          fc.array(OPERATIONS[transport], { minLength: LENGTH, maxLength: LENGTH, size: 'max' }),
          fc.constantFrom(...OPTION_SETS),
          fc.constantFrom<'tmpfs' | 'disk'>('tmpfs', 'disk'),
          async (spec, operations, words, medium) => {
            const folder = `${media[medium]}/${turn++}`;
            try {
              // With userxattr hard links may have two numbers (docs/differences.md).
              const inos = medium === 'tmpfs' && !words.includes('userxattr');
              await compareAndReduce(folder, spec, operations, words, transport, inos);
            } catch (error) {
              if (error instanceof SystemError)
                throw new Error(`-o ${words.join(',')}: ${error.message}`, { cause: error });
              throw new Error(`-o ${words.join(',')} on ${medium}: ${(error as Error).message}`, { cause: error });
            } finally {
              removeScratch(folder);
            }
          },
        ),
        {
          numRuns: SEQUENCES[transport],
          seed: SEED,
          interruptAfterTimeLimit: 6_000_000,
          endOnFailure: true,
          reporter: report,
          ...(process.env['LAMINA_PATH'] ? { path: process.env['LAMINA_PATH'] } : {}),
        },
      );
    } finally {
      for (const scratch of Object.values(media)) removeScratch(scratch);
    }
  },
);
