// SPDX-License-Identifier: MIT
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { judgeOptions } from '@shared/options';
import { engineOptions, type EngineOptions } from '@shared/lamina-options';
import { parseMountOptions } from '../../src/main/commands/parse-options';
import type { MountSpec } from '../../src/main/fuse/mount-record';
import { mount, MS_RDONLY, unmount } from '../../src/main/system/mount';
import { content } from '../support/kill-program.mjs';
import { differences, readJournal, replay, settleLast, viewOf, type ViewOptions } from '../support/kill-round';
import { buildStack, kernelOptions, type BuiltStack } from '../support/kernel';
import { LaminaMount } from '../support/lamina-mount';
import { makeScratch, removeScratch, type Medium } from '../support/scratch';
import { dir, file, makeTree, type Node } from '../support/tree';

/*
 * The mount process is killed while a program works in the mount. A kill is no power loss: what the program was answered
 * is there, fsynced or not, and of the one call that was not answered nothing or all. The kernel's overlayfs mounts what
 * is left, and so does the next mount process.
 */

/** `LAMINA_KILLS=2000 npm test -- fuse` for the long run; `LAMINA_SEED=n` for others. */
const KILLS = Number(process.env['LAMINA_KILLS'] ?? 200);
const SEED = Number(process.env['LAMINA_SEED'] ?? 20_261_126);
/** On one upper, before a fresh one: what is copied up already is copied up no more. */
const KILLS_AN_UPPER = 10;
const LONGEST_MS = 200;
/** Seconds: the lowers are older. */
const OLD = 1_600_000_000;

interface Case {
  readonly words: readonly string[];
  readonly medium: Medium;
}

const CASES: readonly Case[] = [
  { words: [], medium: 'tmpfs' },
  { words: ['redirect_dir=on'], medium: 'disk' },
  { words: ['metacopy=on'], medium: 'tmpfs' },
  { words: ['redirect_dir=on', 'index=on'], medium: 'tmpfs' },
  { words: ['metacopy=on', 'index=on'], medium: 'disk' },
];

const told = (seed: string, bytes: number): Node =>
  file((content(seed, bytes) as Buffer).toString('latin1'), { mtime: [OLD, 0] });

/** Files of several sizes in directories of three levels, and hard links. */
function lowerTree(layer: string): Node {
  const files = (path: string): Record<string, Node> => ({
    [`${layer}-empty`]: told(path, 0),
    [`${layer}-small`]: told(`${layer} ${path} small`, 300),
    [`${layer}-middle`]: told(`${layer} ${path} middle`, 70_000),
    both: told(`${layer} ${path} both`, 9000),
  });
  const folder = (path: string): Node =>
    dir({ ...files(path), sub: dir({ ...files(`${path}/sub`), deep: dir(files(`${path}/sub/deep`)) }) });
  return dir({
    a: folder('a'),
    b: folder('b'),
    [`big-${layer}`]: told(`${layer} big`, 1_000_000),
    [`one-${layer}`]: told(`${layer} linked`, 40_000),
    [`two-${layer}`]: { kind: 'link', to: `one-${layer}` },
  });
}

/** The merged tree of two layers; a link's names are one inode only where the mount keeps them together. */
function merged(upper: Node, lower: Node, links: boolean): Node {
  if (upper.kind !== 'dir' || lower.kind !== 'dir') return upper;
  const children: Record<string, Node> = { ...lower.children, ...upper.children };
  for (const [name, child] of Object.entries(upper.children)) {
    const below = lower.children[name];
    if (below) children[name] = merged(child, below, links);
  }
  for (const [name, child] of Object.entries(children))
    if (child.kind === 'link' && !links) children[name] = children[child.to]!;
  return { ...upper, children };
}

/** An upper that mount processes are killed on, and a plain tree of what must be seen in it. */
class Victim {
  readonly built: BuiltStack;
  readonly reference: string;
  readonly view: ViewOptions;
  private readonly options: { readonly engine: EngineOptions; readonly write: MountSpec['write'] };

  constructor(
    readonly folder: string,
    readonly words: readonly string[],
  ) {
    mkdirSync(folder);
    const [top, base] = [lowerTree('top'), lowerTree('base')];
    this.built = buildStack(folder, { upper: dir(), lowers: [top, base], data: [] });
    this.reference = join(folder, 'reference');
    const links = words.includes('index=on');
    makeTree(this.reference, merged(top, base, links));
    this.view = { links, now: Math.floor(Date.now() / 1000) - 60 };
    const subject = { ...this.built, options: parseMountOptions(words.join(','), '/').options };
    this.options = { engine: engineOptions(subject), write: judgeOptions(subject).effective };
  }

  start(): Promise<LaminaMount> {
    const { engine, write } = this.options;
    const runtime = join(this.folder, 'run');
    return LaminaMount.start(this.built, engine, 'direct', join(this.folder, 'm'), write, { runtime });
  }

  /** Runs `look` in the kernel's own mount. */
  byKernel(flags: number, look: (at: string) => void): void {
    const at = join(this.folder, 'k');
    mkdirSync(at, { recursive: true });
    mount('overlay', at, 'overlay', flags, kernelOptions(this.built, this.words));
    try {
      look(at);
    } finally {
      expect(unmount(at, false)).toBe(0);
    }
  }

  /** Names that building left in the work directories. */
  leftovers(): string[] {
    const { workdir } = this.built.upper!;
    return ['work', 'index'].flatMap((name) => {
      try {
        return readdirSync(join(workdir, name)).filter((entry) => name === 'work' || entry.startsWith('#'));
      } catch {
        // No index.
        return [];
      }
    });
  }
}

/** A program that works where it is told to. */
class Program {
  private readonly child: ChildProcess = fork(resolve('test/support/kill-program.mjs'));

  /** Resolves when the mount has died under it. */
  work(root: string, seed: number, journal: string): Promise<void> {
    const dead = new Promise<void>((done) => this.child.once('message', () => done()));
    this.child.send({ root, seed, journal });
    return dead;
  }

  end(): void {
    this.child.disconnect();
  }
}

/** One mount, at work, killed; then looked at by the kernel. Returns the calls that were answered. */
async function killOnce(victim: Victim, program: Program, seed: number, ms: number): Promise<number> {
  const { reference, view } = victim;
  const mounted = await victim.start();
  expect(victim.leftovers()).toEqual([]);
  expect(differences(viewOf(reference, view), viewOf(mounted.at, view))).toEqual([]);
  const path = join(victim.folder, 'journal');
  const dead = program.work(mounted.at, seed, path);
  await sleep(ms);
  await mounted.kill();
  // Before it is cleared: the program would go on in the folder below.
  await dead;
  mounted.clear();
  const journal = readJournal(path);
  replay(reference, journal);
  // Read-only the kernel clears nothing: what was left is then cleared by the next mount process.
  victim.byKernel(seed % 2 === 0 ? MS_RDONLY : 0, (at) => settleLast(reference, journal, at, view));
  return journal.done.length;
}

describe.each(CASES)('killed with $words on $medium', ({ words, medium }) => {
  test(
    'nothing is torn, nothing that was answered is lost, nothing is left in the work directory',
    { timeout: 3_600_000 },
    async () => {
      const scratch = makeScratch(medium);
      const program = new Program();
      const kills = Math.ceil(KILLS / CASES.length);
      let calls = 0;
      try {
        let victim: Victim | null = null;
        for (let kill = 0; kill < kills; kill++) {
          if (kill % KILLS_AN_UPPER === 0) victim = new Victim(join(scratch, String(kill)), words);
          const seed = SEED + kill;
          const ms = 5 + ((kill * 7919) % LONGEST_MS);
          try {
            calls += await killOnce(victim!, program, seed, ms);
          } catch (error) {
            throw new Error(`kill ${kill}, LAMINA_SEED=${SEED}: ${(error as Error).message}`, { cause: error });
          }
        }
      } finally {
        program.end();
        if (process.env['LAMINA_KEEP'] === undefined) removeScratch(scratch);
      }
      // Most of the time something was going on.
      expect(calls).toBeGreaterThan(kills * 10);
    },
  );
});
