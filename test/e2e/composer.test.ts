// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Desktop, scratchFolder } from './support/desktop';
import { until } from './support/until';

const SAMPLE = ['app-manifest', 'build-tools', 'debian-base', 'objects'];

let scratch: ReturnType<typeof scratchFolder>;
let desktop: Desktop;

beforeEach(async () => {
  scratch = scratchFolder();
  desktop = await Desktop.start(join(scratch.path, 'data'));
});

afterEach(async () => {
  await desktop.close();
  scratch.remove();
  expect(desktop.complaints).toEqual([]);
});

function folder(name: string): string {
  const path = join(scratch.path, name);
  mkdirSync(path);
  writeFileSync(join(path, `${name}.txt`), name);
  return path;
}

it('opens on the sample, ready to look at', async () => {
  expect(await desktop.stack()).toEqual(SAMPLE);
  await desktop.row('/etc').waitFor();
  expect(await desktop.command.textContent()).toContain('lowerdir=');
  expect(await desktop.page.title()).toBe('Lamina');
});

it('adds a layer by a pasted path, by a file:// address and by a typed path', async () => {
  const { app, page } = desktop;
  const pasted = folder('pasted');
  await app.evaluate(({ clipboard }, path) => clipboard.writeText(path), pasted);
  await desktop.layer('app-manifest').locator('.card').focus();
  await page.keyboard.press('Control+V');
  await until(() => desktop.stack(), ['pasted', ...SAMPLE]);
  await desktop.row('/pasted.txt').waitFor();

  const address = folder('with space');
  await app.evaluate(({ clipboard }, path) => clipboard.writeText(`file://${encodeURI(path)}`), address);
  await page.keyboard.press('Control+V');
  await until(() => desktop.stack(), ['with space', 'pasted', ...SAMPLE]);

  const field = page.getByLabel('Type or paste the path of a layer');
  await field.fill(folder('typed'));
  await field.press('Enter');
  await until(async () => (await desktop.stack()).includes('typed'), true);
  expect(await field.inputValue()).toBe('');
});

it('refuses what is not a path and what is in the stack already', async () => {
  const field = desktop.page.getByLabel('Type or paste the path of a layer');
  await field.fill('not a path');
  await field.press('Enter');
  await desktop.page.getByRole('alert').filter({ hasText: 'not an absolute path' }).waitFor();
  const known = await desktop.layer('build-tools').locator('.card').getAttribute('title');
  await field.fill(known ?? '');
  await field.press('Enter');
  await desktop.page.getByRole('alert').filter({ hasText: 'is layer B already' }).waitFor();
  expect(await desktop.stack()).toEqual(SAMPLE);
});

it('adds layers by dialog', async () => {
  const { app, page } = desktop;
  const chosen = folder('chosen');
  await app.evaluate(({ dialog }, path) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path] });
  }, chosen);
  await page.getByRole('button', { name: 'Add lower layer' }).click();
  await until(() => desktop.stack(), ['chosen', ...SAMPLE]);
  await page.getByRole('button', { name: 'Set upper' }).click();
  await page.getByRole('alert').filter({ hasText: 'is layer A already' }).waitFor();
});

it('adds folders dropped from a file manager, where the mark shows', async () => {
  const { page } = desktop;
  const box = await desktop.layer('debian-base').boundingBox();
  if (!box) throw new Error('debian-base is not on screen');
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [folder('dropped')], dragOperationsMask: 1 };
  const place = { x: box.x + 40, y: box.y + 4 };
  for (const type of ['dragEnter', 'dragOver', 'dragOver'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, ...place, data });
  }
  await page.locator('.mark-before').waitFor();
  await devtools.send('Input.dispatchDragEvent', { type: 'drop', ...place, data });
  await until(() => desktop.stack(), ['app-manifest', 'build-tools', 'dropped', 'debian-base', 'objects']);
  expect(page.url()).toBe('app://bundle/index.html');
});

it('reorders by drag, within a lane and across the divider', async () => {
  const top = { targetPosition: { x: 60, y: 4 } };
  await desktop.layer('debian-base').dragTo(desktop.layer('app-manifest'), top);
  await until(() => desktop.stack(), ['debian-base', 'app-manifest', 'build-tools', 'objects']);
  await desktop.layer('debian-base').dragTo(desktop.layer('objects'), top);
  await until(() => desktop.stack(), ['app-manifest', 'build-tools', 'debian-base', 'objects']);
  await until(async () => (await desktop.command.textContent())?.includes('::') ?? false, true);
  expect(await desktop.page.locator('[data-lane="data"] [data-layer]').count()).toBe(2);
});

it('reorders by keyboard, says so, and takes it back', async () => {
  const { page } = desktop;
  await desktop.layer('build-tools').locator('.card').focus();
  await page.keyboard.press('Alt+ArrowUp');
  await until(() => desktop.stack(), ['build-tools', 'app-manifest', 'debian-base', 'objects']);
  expect(await desktop.announcement.textContent()).toContain('lower, 1 of 3');

  await page.keyboard.press('Space');
  for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowDown');
  await until(() => desktop.stack(), ['app-manifest', 'debian-base', 'build-tools', 'objects']);
  expect(await desktop.announcement.textContent()).toContain('data only, 1 of 2');
  await page.keyboard.press('Escape');
  await until(() => desktop.stack(), ['build-tools', 'app-manifest', 'debian-base', 'objects']);

  await page.keyboard.press('Delete');
  await until(() => desktop.stack(), ['app-manifest', 'debian-base', 'objects']);
  await page.keyboard.press('Control+Z');
  await page.keyboard.press('Control+Z');
  await until(() => desktop.stack(), SAMPLE);
  await page.keyboard.press('Control+Shift+Z');
  await until(() => desktop.stack(), ['build-tools', 'app-manifest', 'debian-base', 'objects']);
});

it('moves a layer by its menu', async () => {
  const { page } = desktop;
  await page.getByRole('button', { name: 'Actions for layer A' }).click();
  await page.getByRole('menuitem', { name: 'Move to data-only' }).click();
  await until(() => desktop.stack(), ['build-tools', 'debian-base', 'app-manifest', 'objects']);
  await page.getByRole('button', { name: 'Actions for layer A' }).click();
  await page.getByRole('menuitem', { name: 'Make it the upper' }).click();
  await until(
    () =>
      page
        .locator('[data-lane="upper"] .card')
        .getAttribute('title')
        .then((path) => path?.endsWith('build-tools')),
    true,
  );
});

it('keeps several compositions over a restart', async () => {
  const { page } = desktop;
  await page.getByRole('button', { name: /^Composition Sample/ }).click();
  await page.getByRole('menuitem', { name: 'New composition' }).click();
  await page.getByText('Nothing to merge yet').waitFor();
  await page.getByRole('button', { name: /^Composition Untitled/ }).click();
  await page.getByRole('menuitem', { name: 'Rename…' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Mine');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  const field = page.getByLabel('Type or paste the path of a layer');
  await field.fill(folder('only'));
  await field.press('Enter');
  await desktop.row('/only.txt').waitFor();
  await desktop.close();

  desktop = await Desktop.start(join(scratch.path, 'data'));
  await desktop.page.getByRole('button', { name: /^Composition Mine/ }).waitFor();
  expect(await desktop.stack()).toEqual(['only']);
  await desktop.page.getByRole('button', { name: /^Composition Mine/ }).click();
  await desktop.page.getByRole('menuitemradio', { name: /Sample/ }).click();
  await until(() => desktop.stack(), SAMPLE);
});
