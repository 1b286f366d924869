// SPDX-License-Identifier: MIT
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bytesOf } from '@shared/bytes';
import { Desktop, scratchFolder } from './support/desktop';
import { seedComposition } from './support/seed';
import { until } from './support/until';

let scratch: ReturnType<typeof scratchFolder>;
let desktop: Desktop;

const at = (...names: string[]): string => join(scratch.path, ...names);

function put(path: string, content: string): void {
  mkdirSync(join(at(path), '..'), { recursive: true });
  writeFileSync(at(path), content);
  utimesSync(at(path), 1_000_000_000, 1_000_000_000);
}

beforeEach(async () => {
  scratch = scratchFolder();
  put('one/etc/conf', 'a\nb\nc\n');
  put('one/etc/mode', 'mode');
  put('one/etc/same', 'same');
  put('one/srv/old/gone', 'gone');
  put('one/blob', `\0${'x'.repeat(100)}A`);
  put('two/etc/conf', 'a\nB <b>\nc\n');
  put('two/etc/mode', 'mode');
  chmodSync(at('two/etc/mode'), 0o600);
  put('two/etc/same', 'same');
  put('two/srv/new', 'new\n');
  put('two/blob', `\0${'x'.repeat(100)}B`);
  seedComposition(at('data'), {
    lowers: ['one', 'two'].map((name) => ({ id: name, path: bytesOf(at(name)) })),
  });
  desktop = await Desktop.start(at('data'));
  await desktop.screen('Compare');
  await choose('Left, before', 'A one');
  await choose('Right, after', 'B two');
  await tree().waitFor();
});

afterEach(async () => {
  await desktop.close();
  scratch.remove();
  expect(desktop.complaints).toEqual([]);
});

async function choose(side: string, name: string): Promise<void> {
  await desktop.page.getByRole('button', { name: new RegExp(`^${side}:`) }).click();
  await desktop.page.getByRole('option', { name: new RegExp(`^${name.replace(' ', '\\s+')}`) }).click();
}

const tree = (): Locator => desktop.page.getByRole('treegrid', { name: 'Compare' });
const names = (): Promise<string[]> =>
  tree()
    .locator('[id^="difference-"]')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-label') ?? ''));
const pane = (): Locator => desktop.page.getByRole('region', { name: 'What differs' });
const ALL = [
  'blob, Modified, regular file, content, 102 B',
  'etc, directory, 2 differences inside',
  'conf, Modified, regular file, content, 6 B → 10 B',
  'mode, Metadata only, regular file, mode, 4 B',
  'srv, directory, 3 differences inside',
  'new, Added, regular file, 4 B',
  'old, Removed, directory, 1 difference inside',
  'gone, Removed, regular file, 4 B',
];

it('lists only what differs, as a tree, with a summary', async () => {
  await until(names, ALL);
  await desktop.page.getByText('6 differences').waitFor();
  await desktop.page.getByText('4 B added, 4 B removed').waitFor();
});

it('shows lines, attributes and bytes that differ', async () => {
  const { page } = desktop;
  await pane().getByText('They differ from byte 101 on.').waitFor();
  await tree().focus();
  for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowDown');
  await pane().getByRole('heading', { name: '/etc/conf' }).waitFor();
  await until(() => pane().locator('.line.added .words').allTextContents(), ['added: B <b>']);
  await until(() => pane().locator('.line.removed .words').allTextContents(), ['removed: b']);
  await page.keyboard.press('ArrowDown');
  await pane().getByText('The contents are the same.').waitFor();
  expect(await pane().getByRole('row').filter({ hasText: 'mode' }).getByRole('cell').allTextContents()).toEqual([
    '0644',
    '0600',
  ]);
});

it('folds by keyboard, filters by kind and path, and swaps the sides', async () => {
  const { page } = desktop;
  await tree().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowLeft');
  await until(names, [ALL[0]!, ALL[1]!, ...ALL.slice(4)]);
  expect(await page.locator('#difference-1').getAttribute('aria-expanded')).toBe('false');
  await page.keyboard.press('ArrowRight');
  await until(names, ALL);
  await page.getByRole('button', { name: 'Removed: 2' }).click();
  await until(names, ALL.slice(4, 5).concat(ALL.slice(6)));
  await page.getByLabel('Filter by path').fill('nothing like it');
  await page.getByRole('heading', { name: 'No difference matches the filter' }).waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await until(names, ALL);
  await page.getByRole('button', { name: 'Swap the sides' }).click();
  await until(async () => (await names()).at(-1), 'gone, Added, regular file, 4 B');
});

it('says so where nothing differs', async () => {
  await choose('Right, after', 'A one');
  await desktop.page.getByRole('heading', { name: 'Nothing differs' }).waitFor();
});
