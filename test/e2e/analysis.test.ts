// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bytesOf } from '@shared/bytes';
import { setXattr } from '../../src/main/system/xattr';
import { Desktop, scratchFolder } from './support/desktop';
import { seedComposition } from './support/seed';
import { until } from './support/until';

/* Layers with user.overlay.* attributes, made by hand: so that no test here needs root. */

let scratch: ReturnType<typeof scratchFolder>;
let desktop: Desktop;

const at = (...names: string[]): string => join(scratch.path, ...names);

function put(path: string, size: number, fill: string): void {
  mkdirSync(join(at(path), '..'), { recursive: true });
  writeFileSync(at(path), fill.repeat(size));
}

beforeEach(async () => {
  scratch = scratchFolder();
  put('base/usr/bin/large', 40_000, 'l');
  put('base/usr/lib/same-1', 10_000, 's');
  put('base/usr/lib/same-2', 10_000, 's');
  put('base/etc/conf', 2000, 'c');
  put('base/opt/gone', 8000, 'g');
  put('top/etc/conf', 3000, 'd');
  mkdirSync(at('top/opt'), { recursive: true });
  setXattr(bytesOf(at('top/opt')), 'user.overlay.opaque', 'y');
  seedComposition(at('data'), {
    lowers: [
      { id: 'l1', path: bytesOf(at('top')) },
      { id: 'l2', path: bytesOf(at('base')) },
    ],
    options: { userxattr: true },
  });
  desktop = await Desktop.start(at('data'));
  await desktop.screen('Analysis');
  await desktop.page.getByRole('button', { name: 'Analyse: Choose…' }).click();
  await desktop.page.keyboard.press('Enter');
  await desktop.page.locator('[data-fact]').first().waitFor();
});

afterEach(async () => {
  await desktop.close();
  scratch.remove();
  expect(desktop.complaints).toEqual([]);
});

const fact = (name: string): Promise<string | null> =>
  desktop.page.locator(`[data-fact="${name}"] dd`).first().textContent();
const rows = (grid: string): Promise<string[]> =>
  desktop.page
    .getByRole('grid', { name: grid, exact: true })
    .locator('[role="rowgroup"]:not(.header) [role="row"]')
    .evaluateAll((all) => all.map((row) => row.getAttribute('aria-label') ?? ''));

it('says what is stored, visible, hidden, double, and what dive says', async () => {
  expect(await Promise.all(['stored', 'visible', 'hidden', 'spare', 'wasted'].map(fact))).toEqual([
    '73 kB',
    '63 kB',
    '10 kB',
    '10 kB',
    '5.0 kB',
  ]);
  // dive: conf 2000 of 5000, all else once.
  expect(await fact('efficiency')).toBe('95.9%');
  await until(
    () => rows('Layers'),
    ['Layer A, top, adds 3.0 kB, 0 B hidden later', 'Layer B, base, adds 70 kB, 10 kB hidden later'],
  );
  await desktop.page.getByRole('img', { name: /B: adds 70 kB, of which 10 kB hidden; A: adds 3.0 kB/ }).waitFor();
});

it('lists what is inefficient, biggest, hidden and double', async () => {
  const { page } = desktop;
  await until(() => rows('Inefficient paths'), ['/etc/conf, 2 Times, 5.0 kB']);
  await page.getByRole('tab', { name: 'Biggest files' }).click();
  await until(async () => (await rows('Biggest files'))[0], '/usr/bin/large, Layer B, visible, 40 kB');
  await page.getByRole('tab', { name: 'Hidden files' }).click();
  await until(
    () => rows('Hidden files'),
    ['/opt/gone, Layer B, deleted by A, 8.0 kB', '/etc/conf, Layer B, overwritten by A, 2.0 kB'],
  );
  await page.getByRole('tab', { name: 'Duplicates' }).click();
  await until(() => rows('Duplicates'), ['/usr/lib/same-1, Layer B, 2 Times, 10 kB']);
  await page.getByRole('grid', { name: 'Duplicates' }).focus();
  await page.keyboard.press('Enter');
  await until(() => desktop.row('/usr/lib/same-1').getAttribute('aria-selected'), 'true');
});

it('goes into the picture by keyboard, and has a table behind it', async () => {
  const { page } = desktop;
  const picture = page.getByRole('listbox', { name: /Space below this directory/ });
  await page.locator('[data-tile="/usr/bin/large"]').waitFor();
  await picture.focus();
  await page.keyboard.press('Home');
  const chosen = picture.locator('[aria-selected="true"]');
  expect(await chosen.getAttribute('aria-label')).toBe('/usr, 60 kB, mostly layer B');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'usr', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Table' }).click();
  await until(() => rows('Space'), ['bin/, 40 kB, mostly layer B', 'lib/, 20 kB, mostly layer B']);
  await page.getByRole('grid', { name: 'Space' }).focus();
  await page.keyboard.press('Backspace');
  await until(async () => (await rows('Space'))[0], 'usr/, 60 kB, mostly layer B');
  await page.getByRole('button', { name: 'Picture' }).click();
  await page.locator('[data-tile="/opt/gone"]').waitFor();
  expect(await page.locator('[data-tile="/opt/gone"]').getAttribute('aria-label')).toContain('8.0 kB hidden');
});

it('says which layer cannot be read', async () => {
  const { page } = desktop;
  await page.getByRole('button', { name: 'Analyse: Seed' }).click();
  await page.getByLabel('Filter by name').fill('top');
  await page.keyboard.press('Enter');
  await until(() => fact('stored'), '3.0 kB');
  writeFileSync(at('top-file'), '');
  const { rmSync } = await import('node:fs');
  rmSync(at('top'), { recursive: true });
  await page.getByRole('button', { name: 'Analyse again' }).click();
  await page
    .getByRole('alert')
    .filter({ hasText: `${at('top')} does not exist` })
    .waitFor();
  await page.getByRole('button', { name: 'Try again' }).waitFor();
});
