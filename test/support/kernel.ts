// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteString } from '@shared/bytes';
import { SystemError } from '../../src/main/system/libc';
import { mount, MS_RDONLY, unmount } from '../../src/main/system/mount';
import { makeTree, type Node } from './tree';

/** Layers of a test: trees from top to bottom. */
export interface StackSpec {
  upper: Node | null;
  lowers: Node[];
  data: Node[];
}

export interface BuiltStack {
  readonly folder: string;
  readonly upper: { path: ByteString; workdir: ByteString } | null;
  readonly lowers: { id: string; path: ByteString }[];
  readonly data: { id: string; path: ByteString }[];
}

/** Makes the layers below `folder`: `u` with `w`, `l0` … and `d0` …. */
export function buildStack(folder: string, spec: StackSpec): BuiltStack {
  const make = (name: string, node: Node): { id: string; path: ByteString } => {
    const path = join(folder, name);
    makeTree(path, node);
    return { id: name, path };
  };
  const upper = spec.upper ? { path: make('u', spec.upper).path, workdir: join(folder, 'w') } : null;
  if (upper) mkdirSync(upper.workdir);
  return {
    folder,
    upper,
    lowers: spec.lowers.map((node, i) => make(`l${i}`, node)),
    data: spec.data.map((node, i) => make(`d${i}`, node)),
  };
}

/** Options of mount(2) for the stack; the layers' paths need no escaping here. */
export function kernelOptions(built: BuiltStack, options: readonly string[]): string {
  const lowerdir = [built.lowers.map(({ path }) => path).join(':'), ...built.data.map(({ path }) => path)].join('::');
  const upper = built.upper ? [`upperdir=${built.upper.path}`, `workdir=${built.upper.workdir}`] : [];
  return [`lowerdir=${lowerdir}`, ...upper, ...options].join(',');
}

/**
 * Runs `use` over the kernel's own mount of the stack, read-only: a writable one writes to the upper when it is only
 * looked at. Returns null where the kernel refuses the options.
 */
export function withKernelMount<T>(
  built: BuiltStack,
  options: readonly string[],
  use: (at: string) => T,
): T | SystemError {
  const at = join(built.folder, 'm');
  mkdirSync(at, { recursive: true });
  try {
    mount('overlay', at, 'overlay', MS_RDONLY, kernelOptions(built, options));
  } catch (error) {
    if (error instanceof SystemError) return error;
    throw error;
  }
  try {
    return use(at);
  } finally {
    const result = unmount(at, false);
    if (result !== 0) unmount(at, true);
  }
}
