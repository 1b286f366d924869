// SPDX-License-Identifier: MIT
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { forbiddenImport, houseOf, houses } from '../../scripts/lint/houses.mjs';

const root = '/project';
const judge = (file: string, specifier: string): string | undefined =>
  forbiddenImport(specifier, `${root}/${file}`, root);

describe('the house of a file', () => {
  test.each([
    ['src/shared/bytes.ts', 'shared'],
    ['src/main/index.ts', 'main'],
    ['src/main/overlay/lookup.ts', 'overlay'],
    ['src/main/fuse/direct/session.ts', 'fuse'],
    ['src/renderer/src/app/App.svelte', 'renderer'],
    ['src/preload/index.ts', 'preload'],
    ['test/unit/a.test.ts', undefined],
    ['vitest.config.ts', undefined],
  ])('%s is in %s', (file, house) => {
    expect(houseOf(`${root}/${file}`, root)).toBe(house);
  });
});

describe('imports that are allowed', () => {
  test.each([
    ['src/main/overlay/lookup.ts', '../layers/layer'],
    ['src/main/overlay/lookup.ts', './entry'],
    ['src/main/overlay/lookup.ts', '@shared/view'],
    ['src/main/overlay/lookup.ts', 'node:path'],
    ['src/main/fuse/direct/session.ts', '../../overlay/stack'],
    ['src/main/mounts/list.ts', '../commands/fstab'],
    ['src/main/system/libc.ts', 'koffi'],
    ['src/main/desktop/window.ts', 'electron'],
    ['src/main/index.ts', './desktop/window'],
    ['src/main/cli/main.ts', '../../../package.json'],
    ['src/main/index.ts', 'electron'],
    ['src/preload/index.ts', '../shared/contract'],
    ['src/preload/index.ts', 'electron'],
    ['src/renderer/src/main.ts', '../../shared/view'],
    ['src/renderer/src/main.ts', 'bits-ui'],
    ['src/renderer/src/main.ts', './App.svelte'],
    ['src/shared/contract.ts', 'valibot'],
    ['test/unit/a.test.ts', '../../src/main/overlay/stack'],
  ])('%s imports %s', (file, specifier) => {
    expect(judge(file, specifier)).toBeUndefined();
  });
});

describe('imports that are not', () => {
  test.each([
    ['src/shared/bytes.ts', 'node:buffer'],
    ['src/shared/bytes.ts', 'fs/promises'],
    ['src/shared/bytes.ts', 'electron'],
    ['src/shared/bytes.ts', '../main/system/files'],
    ['src/main/system/files.ts', '../layers/layer'],
    ['src/main/layers/layer.ts', '../overlay/stack'],
    ['src/main/overlay/stack.ts', '../fuse/protocol'],
    ['src/main/overlay/stack.ts', 'electron'],
    ['src/main/overlay/stack.ts', 'electron/main'],
    ['src/main/commands/fstab.ts', '../system/files'],
    ['src/main/mounts/list.ts', '../desktop/window'],
    ['src/main/cli/main.ts', '../desktop/window'],
    ['src/main/cli/main.ts', 'electron-store'],
    ['src/main/desktop/window.ts', '../cli/main'],
    ['src/main/desktop/window.ts', '../index'],
    ['src/main/desktop/window.ts', '../../renderer/src/main'],
    ['src/preload/index.ts', 'node:fs'],
    ['src/preload/index.ts', '../main/desktop/window'],
    ['src/preload/index.ts', 'valibot'],
    ['src/renderer/src/main.ts', 'electron'],
    ['src/renderer/src/main.ts', 'node:fs'],
    ['src/renderer/src/main.ts', 'koffi'],
    ['src/renderer/src/main.ts', '../../main/overlay/stack'],
    ['src/renderer/src/main.ts', '../../../package.json'],
    ['src/main/unheard-of/a.ts', './b'],
  ])('%s imports %s', (file, specifier) => {
    expect(judge(file, specifier)).toEqual(expect.any(String));
  });
});

test('the table has no circles', () => {
  const table = houses as Record<string, { folders: string[] }>;
  const visit = (house: string, path: string[]): void => {
    expect(path).not.toContain(house);
    for (const next of table[house]?.folders ?? []) visit(next, [...path, house]);
  };
  for (const house of Object.keys(table)) visit(house, []);
});

test('the table names every folder there is', () => {
  const folders = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  expect(Object.keys(houses)).toEqual(expect.arrayContaining([...folders('src'), ...folders('src/main')]));
});
