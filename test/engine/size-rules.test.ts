// SPDX-License-Identifier: MIT
import { closeSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { topOf } from '../../src/main/overlay/entry';
import { blocksOf, openData } from '../../src/main/overlay/file-data';
import { lookup } from '../../src/main/overlay/lookup';
import { OverlayStack } from '../../src/main/overlay/stack';
import { closeFile } from '../../src/main/system/files';
import { SystemError } from '../../src/main/system/libc';
import { buildStack, withKernelMount } from '../support/kernel';
import { makeScratch, removeScratch } from '../support/scratch';
import { meta, TRUSTED } from '../support/table-case';
import { dir, file } from '../support/tree';

/* The size rules of semantics 2.6: sizes and blocks of a metacopy before and after its data were looked up. */

test.each([
  ['data in a data-only layer', [dir({ f: meta('/xx', 100_000) })], [dir({ xx: file('data') })]],
  ['data in a lower', [dir({ f: meta(undefined, 100_000) }), dir({ f: file('d'.repeat(9000)) })], []],
])('st_size and st_blocks, %s', (_, lowers, data) => {
  const scratch = makeScratch('disk');
  mkdirSync(join(scratch, 's'));
  const built = buildStack(join(scratch, 's'), { upper: null, lowers, data });
  const stack = new OverlayStack(built, { ...TRUSTED, metacopy: true, redirectDir: 'on' });
  try {
    const entry = lookup(stack, stack.root, 'f');
    const engine = (): [number, number] => [topOf(entry).stat.size, blocksOf(entry)];
    const before = engine();
    closeFile(openData(stack, entry));
    const seen = [before, engine()];
    const kernel = withKernelMount(built, ['metacopy=on'], (at) => {
      const look = (): [number, number] => {
        const { size, blocks } = lstatSync(join(at, 'f'));
        return [size, blocks];
      };
      const first = look();
      closeSync(openSync(join(at, 'f'), 'r'));
      return [first, look()];
    });
    if (kernel instanceof SystemError) throw kernel;
    expect(seen).toEqual(kernel);
  } finally {
    stack.close();
    removeScratch(scratch);
  }
});
