// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import { engineOptions } from '@shared/lamina-options';
import { judgeOptions } from '@shared/options';
import { parseMountOptions } from '../../src/main/commands/parse-options';
import { mount, unmount } from '../../src/main/system/mount';
import { kernelOptions, type BuiltStack } from './kernel';
import { LaminaMount, type RunOptions, type TransportName } from './lamina-mount';
import { makeTree, type Node } from './tree';

/** A stack with an upper in a folder of its own, which may be on another file system than the lower. */
export function writableStack(folder: string, upper: Node, lower: Node, upperIn = folder): BuiltStack {
  mkdirSync(folder, { recursive: true });
  makeTree(`${folder}/l0`, lower);
  makeTree(`${upperIn}/u`, upper);
  mkdirSync(`${upperIn}/w`);
  return {
    folder,
    upper: { path: `${upperIn}/u`, workdir: `${upperIn}/w` },
    lowers: [{ id: 'l0', path: `${folder}/l0` }],
    data: [],
  };
}

/** Mounts for writing, by options of mount(8). */
export function startWritable(
  built: BuiltStack,
  words: readonly string[],
  run: RunOptions = {},
  transport: TransportName = 'direct',
): Promise<LaminaMount> {
  const subject = { ...built, options: parseMountOptions(words.join(','), '/').options };
  const { effective } = judgeOptions(subject);
  const runtime = `${built.folder}/run`;
  return LaminaMount.start(built, engineOptions(subject), transport, undefined, effective, { runtime, ...run });
}

/** The kernel's own mount, for as long as `use` takes. */
export async function onKernel<T>(
  built: BuiltStack,
  words: readonly string[],
  use: (at: string) => T | Promise<T>,
): Promise<T> {
  const at = `${built.folder}/k`;
  mkdirSync(at, { recursive: true });
  mount('overlay', at, 'overlay', 0, kernelOptions(built, words));
  try {
    return await use(at);
  } finally {
    if (unmount(at, false) !== 0) unmount(at, true);
  }
}

/** As `onKernel`, on a mount of Lamina's. */
export async function onLamina<T>(
  built: BuiltStack,
  words: readonly string[],
  use: (at: string) => T | Promise<T>,
  run: RunOptions = {},
): Promise<T> {
  const mounted = await startWritable(built, words, run);
  let status: number | null;
  try {
    return await use(mounted.at);
  } finally {
    status = await mounted.stop();
    if (status !== 0) throw new Error(`the mount process ended with ${status}`);
  }
}
