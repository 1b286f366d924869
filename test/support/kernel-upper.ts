// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CHANGE_LETTERS, type Change } from '@shared/changes';
import { mount, unmount } from '../../src/main/system/mount';
import { kernelOptions, type BuiltStack } from './kernel';

/** Runs lines of sh in a writable kernel mount of the stack: it writes the upper as only the kernel does. */
export function writeThroughKernel(built: BuiltStack, options: readonly string[], lines: string): void {
  const at = join(built.folder, 'm');
  mkdirSync(at, { recursive: true });
  mount('overlay', at, 'overlay', 0, kernelOptions(built, options));
  try {
    execFileSync('sh', ['-ec', lines], { cwd: at, stdio: ['ignore', 'ignore', 'inherit'] });
  } finally {
    if (unmount(at, false) !== 0) unmount(at, true);
  }
}

/** A change in a line: `m /etc/hosts [mode]`, `R /old -> /new`. */
export const changeLine = ({ kind, path, oldPath, differs, error }: Change): string =>
  `${CHANGE_LETTERS[kind]} ${oldPath === null ? '' : `${oldPath} -> `}${path}` +
  `${differs.length > 0 ? ` [${differs.join(' ')}]` : ''}${error === null ? '' : ` ${error}`}`;
