// SPDX-License-Identifier: MIT
// The same lowers mounted twice, by the kernel's overlayfs and by Lamina, each with an upper of its own.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { projectRoot } from '../../scripts/setup/project.mjs';
import { run } from './run-program.mjs';

/** The built program of that name, as an argument list. */
export const program = (name) => [process.execPath, resolve(projectRoot, 'out/main', `${name}.js`)];

let made = 0;

/**
 * Mounts both below `folder`, on which uppers can be.
 * @param options further mount options for both, as a list
 * @returns { kernel, lamina, both, unmount }: the mount points, and what takes both down again
 */
export function mountPair(folder, lowers, options = []) {
  const base = join(folder, `pair-${made++}`);
  const side = (name) => {
    const at = Object.fromEntries(['u', 'w', 'm'].map((part) => [part, join(base, name, part)]));
    for (const path of Object.values(at)) mkdirSync(path, { recursive: true });
    const layers = [`lowerdir=${lowers.join(':')}`, `upperdir=${at.u}`, `workdir=${at.w}`];
    return { text: [...layers, ...options].join(','), at: at.m };
  };
  const kernel = side('kernel');
  const lamina = side('lamina');
  run('mount', ['-t', 'overlay', 'overlay', '-o', kernel.text, kernel.at]);
  const [node, cli] = program('cli');
  run(node, [cli, 'mount', '-o', lamina.text, lamina.at]);
  return {
    kernel: kernel.at,
    lamina: lamina.at,
    both: [kernel.at, lamina.at],
    unmount() {
      for (const at of [kernel.at, lamina.at]) run('umount', [at], { mayFail: true });
    },
  };
}
