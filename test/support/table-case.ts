// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ByteString } from '@shared/bytes';
import type { EngineOptions } from '@shared/lamina-options';
import { realsOf, topOf, type Entry } from '../../src/main/overlay/entry';
import { openData, readLink } from '../../src/main/overlay/file-data';
import { lookup } from '../../src/main/overlay/lookup';
import { listNames } from '../../src/main/overlay/readdir';
import { OverlayStack } from '../../src/main/overlay/stack';
import { closeFile, readFile } from '../../src/main/system/files';
import { SystemError } from '../../src/main/system/libc';
import { isDirectory, isRegular, isSymlink } from '../../src/main/system/stat';
import { buildStack, type StackSpec } from './kernel';
import { kernelView } from './kernel-view';
import { makeScratch, removeScratch } from './scratch';
import { dir, file, type Node } from './tree';
import { engineViewer, firstDifferences, snapshot } from './view';

export const TRUSTED = { metacopy: false, redirectDir: 'follow', userxattr: false } as const satisfies EngineOptions;

/** Options of a case by name, as the kernel and as the engine takes them. */
const OPTIONS = {
  default: [[], TRUSTED],
  metacopy: [['metacopy=on'], { ...TRUSTED, metacopy: true, redirectDir: 'on' }],
  nofollow: [['redirect_dir=nofollow'], { ...TRUSTED, redirectDir: 'nofollow' }],
  'metacopy=off,nofollow': [['metacopy=off', 'redirect_dir=nofollow'], { ...TRUSTED, redirectDir: 'nofollow' }],
  userxattr: [['userxattr'], { metacopy: false, redirectDir: 'nofollow', userxattr: true }],
} as const satisfies Record<string, readonly [readonly string[], EngineOptions]>;

export type CaseOptions = keyof typeof OPTIONS;

/**
 * A row of a table of the semantics: layers, options, and what is seen. Values of `see`: an errno name; `dir A B` with the
 * components; `= text` with a file's content; `-> target`; `list x y` with the names that a directory lists; a type.
 */
export interface TableCase {
  readonly row: string;
  readonly upper?: Node;
  readonly lowers: readonly Node[];
  readonly data?: readonly Node[];
  readonly options?: CaseOptions;
  readonly see: Readonly<Record<string, string>>;
  /** More names to look up than those that are listed. */
  readonly names?: readonly ByteString[];
}

export const x = (marks: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(marks).map(([key, value]) => [`trusted.overlay.${key}`, value]));
export const opaque = (children: Record<string, Node> = {}): Node => dir(children, { xattrs: x({ opaque: 'y' }) });
export const redirected = (to: string, children: Record<string, Node> = {}): Node =>
  dir(children, { xattrs: x({ redirect: to }) });
export const meta = (redirect?: string, hole = 4): Node => ({
  kind: 'file',
  content: '',
  hole,
  xattrs: x({ metacopy: '', ...(redirect === undefined ? {} : { redirect }) }),
});
export const xwhiteout = (): Node => file('', { xattrs: x({ whiteout: '' }) });

const LETTERS = ['A', 'B', 'C', 'D'];

/** What the engine says of a path, in the words of `TableCase.see`. */
function describe(stack: OverlayStack, path: string): string {
  const listing = path.endsWith('/');
  try {
    let entry: Entry = stack.root;
    for (const name of path.split('/').filter(Boolean)) entry = lookup(stack, entry, name);
    if (listing) {
      const names = listNames(stack, entry)
        .map(({ name }) => name)
        .filter((name) => name !== '.' && name !== '..');
      return `list ${names.join(' ')}`.trim();
    }
    const { mode } = topOf(entry).stat;
    if (isDirectory(mode))
      return `dir ${realsOf(entry)
        .map(({ layer }) =>
          layer.lane === 'upper' ? 'U' : LETTERS[layer.index - (stack.layers[0]!.lane === 'upper' ? 1 : 0)],
        )
        .join(' ')}`;
    if (isSymlink(mode)) return `-> ${readLink(stack, entry)}`;
    if (!isRegular(mode)) return 'special';
    const fd = openData(stack, entry);
    const buffer = Buffer.alloc(4096);
    const count = readFile(fd, buffer, buffer.length, 0);
    closeFile(fd);
    return `= ${buffer.toString('latin1', 0, count)}`;
  } catch (error) {
    if (error instanceof SystemError) return error.syscall === 'open' ? `open ${error.code}` : error.code;
    throw error;
  }
}

/** A test that the row holds, and that the kernel shows the same of the whole tree. */
export function tableCase({ row, upper, lowers, data, options = 'default', see, names = [] }: TableCase): void {
  test(row, () => {
    const scratch = makeScratch('disk');
    try {
      const spec: StackSpec = { upper: upper ?? null, lowers: [...lowers], data: [...(data ?? [])] };
      const folder = `${scratch}/s`;
      mkdirSync(folder);
      const built = buildStack(folder, spec);
      const [kernel, engine] = OPTIONS[options];
      const candidates = ['a', 'b', 'd', 'e', 'f', ...names];
      const limits = { depth: 5, ordered: true };
      const stack = new OverlayStack(built, engine);
      const seen = Object.fromEntries(Object.keys(see).map((path) => [path, describe(stack, path)]));
      stack.close();
      expect(seen).toEqual(see);
      // A fresh stack, as the kernel's mount is: what was looked at before must not matter.
      const second = new OverlayStack(built, engine);
      const view = snapshot(engineViewer(second), candidates, limits);
      second.close();
      const expected = kernelView(built, kernel, candidates, limits);
      if (expected instanceof SystemError) throw expected;
      expect(firstDifferences(expected, view)).toEqual([]);
    } finally {
      removeScratch(scratch);
    }
  });
}
