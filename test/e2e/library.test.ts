// SPDX-License-Identifier: MIT
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bytesOf } from '@shared/bytes';
import { OciLayout } from '../support/oci-layout';
import { Desktop, scratchFolder, storeOf } from './support/desktop';
import { seedComposition } from './support/seed';
import { until } from './support/until';

let scratch: ReturnType<typeof scratchFolder>;
let desktop: Desktop;
let layout: OciLayout;

const at = (...names: string[]): string => join(scratch.path, ...names);

beforeEach(async () => {
  scratch = scratchFolder();
  layout = new OciLayout(at('layout'));
  layout.name(layout.image('amd64', [4000, 3000, 2000]), 'example.org/team/app:1');
  seedComposition(at('data'), {});
  desktop = await Desktop.start(at('data'));
  await desktop.screen('Library');
});

afterEach(async () => {
  await desktop.close();
  scratch.remove();
  expect(desktop.complaints).toEqual([]);
});

const images = (): Locator => desktop.page.getByRole('grid', { name: 'Library' }).locator('[id^="image-"]');
const names = (): Promise<string[]> =>
  images().evaluateAll((rows) => rows.map((row) => (row.getAttribute('aria-label') ?? '').split(',')[0]!));
const job = (state: string): Locator => desktop.page.locator(`[data-job="${state}"]`);
const detail = (): Locator => desktop.page.getByRole('region', { name: 'Image', exact: true });

async function importByTyping(source: string): Promise<void> {
  await desktop.page.locator('[data-import-field]').fill(source);
  await desktop.page.keyboard.press('Enter');
}

async function imported(): Promise<void> {
  await importByTyping(`oci:${layout.folder}:example.org/team/app:1`);
  await until(names, ['example.org/team/app:1'], 20_000);
  await images().first().click();
  await detail().getByRole('heading', { name: 'example.org/team/app:1' }).waitFor();
}

it('says how to begin, imports what is typed, and shows the image with its layers and configuration', async () => {
  const { page } = desktop;
  await page.getByRole('heading', { name: 'No images yet' }).waitFor();
  await imported();
  const label = await images().first().getAttribute('aria-label');
  expect(label).toMatch(/^example\.org\/team\/app:1, linux\/amd64, 3 layers, \d+ kB$/);
  const layers = page.getByRole('grid', { name: 'Layers' });
  expect(await layers.locator('[id^="image-layer-"]').count()).toBe(3);
  await layers.focus();
  await page.keyboard.press('End');
  await detail().getByText('kept by the library').waitFor();
  await page.getByRole('tab', { name: 'Configuration' }).click();
  await detail().getByText('PATH=/bin').waitFor();
});

it('asks for the platform where there are several', async () => {
  const { page } = desktop;
  const both = layout.index([layout.image('amd64', [500]), layout.image('arm64', [500])]);
  layout.name(both, 'example.org/team/both:1');
  await importByTyping(`oci:${layout.folder}:example.org/team/both:1`);
  const dialog = page.getByRole('dialog', { name: 'Which platform?' });
  await dialog.getByRole('radio', { name: 'linux/arm64' }).click();
  await dialog.getByRole('button', { name: 'Import' }).click();
  await until(names, ['example.org/team/both:1'], 20_000);
  expect(await images().first().getAttribute('aria-label')).toContain('linux/arm64');
});

it('says what is wrong with a source, and how to go on', async () => {
  const { page } = desktop;
  await importByTyping('debian');
  await page.getByRole('alert').filter({ hasText: 'does not guess' }).waitFor();
  await page.getByRole('alert').filter({ hasText: 'docker://' }).waitFor();
  await importByTyping(at('nowhere'));
  await page.getByRole('alert').filter({ hasText: 'does not exist' }).waitFor();
});

it('imports a folder by dialog, and one that is dropped', async () => {
  const { app, page } = desktop;
  await app.evaluate(({ dialog }, path) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path] });
  }, layout.folder);
  await page.getByRole('button', { name: 'Layout folder…' }).first().click();
  await until(names, ['example.org/team/app:1'], 20_000);

  const other = new OciLayout(at('other'));
  other.name(other.image('amd64', [100]), 'example.org/team/dropped:1');
  const box = await page.getByRole('region', { name: 'Library' }).boundingBox();
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [other.folder], dragOperationsMask: 1 };
  const place = { x: box!.x + 200, y: box!.y + 300 };
  for (const type of ['dragEnter', 'dragOver', 'dragOver'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, ...place, data });
  }
  await page.getByText('Drop to import').waitFor();
  await devtools.send('Input.dispatchDragEvent', { type: 'drop', ...place, data });
  await until(names, ['example.org/team/app:1', 'example.org/team/dropped:1'], 20_000);
});

it('adds a whole image by key, the top layer first, and a layer by drag', async () => {
  const { page } = desktop;
  await imported();
  await page.getByRole('grid', { name: 'Library' }).focus();
  await page.keyboard.press('Enter');
  const cards = page.locator('[data-layer] > .card');
  await until(() => cards.count(), 3);
  await page.getByRole('tab', { name: 'Layers' }).click();
  const paths = await cards.evaluateAll((all) => all.map((card) => card.getAttribute('title')));
  await page.locator('#image-layer-0').click();
  expect(paths[0]).toBe(await detail().locator('dd.mono[title*="/layers/"]').getAttribute('title'));
  await page.keyboard.press('Control+Z');
  await until(() => cards.count(), 0);
  await page.locator('#image-layer-1').dragTo(page.locator('[data-lane="lower"] .empty'));
  await until(() => cards.count(), 1);
  expect(await cards.getAttribute('title')).toBe(paths[1]);
  await page.locator('#image-0').dragTo(page.locator('[data-lane="lower"] [data-layer]'));
  await until(() => cards.count(), 3);
});

it('tells of a damaged blob with both digests, and goes on when it is repaired', async () => {
  const blobs = at('layout/blobs/sha256');
  const largest = readdirSync(blobs).sort(
    (a, b) => readFileSync(join(blobs, b)).length - readFileSync(join(blobs, a)).length,
  )[0]!;
  const whole = readFileSync(join(blobs, largest));
  const damaged = Buffer.from(whole);
  damaged[damaged.length - 2000]! ^= 1;
  writeFileSync(join(blobs, largest), damaged);
  await importByTyping(`oci:${layout.folder}:example.org/team/app:1`);
  await job('failed')
    .getByRole('alert')
    .filter({ hasText: largest.slice(0, 12) })
    .waitFor();
  expect(await images().count()).toBe(0);
  writeFileSync(join(blobs, largest), whole);
  await job('failed').getByRole('button', { name: 'Try again' }).click();
  await until(names, ['example.org/team/app:1'], 20_000);
});

it('runs on while other screens are shown, and leaves nothing when it is cancelled', async () => {
  const { page } = desktop;
  layout.name(layout.image('amd64', [50_000_000, 30_000_000]), 'example.org/team/large:1');
  await importByTyping(`oci:${layout.folder}:example.org/team/large:1`);
  await job('running').waitFor();
  await desktop.screen('Analysis');
  await page.getByRole('button', { name: '1 job' }).click();
  const card = page.getByRole('dialog', { name: 'Image jobs' }).locator('[data-job]');
  await card
    .locator('.facts')
    .filter({ hasText: / of \d+ MB/ })
    .waitFor();
  await card.getByRole('button', { name: 'Cancel' }).click();
  await page.locator('[data-job="cancelled"]').first().waitFor();
  await page.keyboard.press('Escape');
  await desktop.screen('Library');
  await page.getByRole('heading', { name: 'No images yet' }).waitFor();
  const temporary = join(storeOf(at('data')), 'temporary');
  expect(existsSync(temporary) ? readdirSync(temporary) : []).toEqual([]);
});

it('names, removes, and cleans up after showing what goes', async () => {
  const { page } = desktop;
  await imported();
  await page.getByRole('button', { name: 'Add a name' }).click();
  await page.getByLabel('Add a name').fill('example.org/team/app:stable');
  await page.keyboard.press('Enter');
  await detail().getByRole('button', { name: 'Take the name example.org/team/app:stable away' }).waitFor();
  await detail().getByRole('button', { name: 'Take the name example.org/team/app:1 away' }).click();
  await until(names, ['example.org/team/app:stable']);
  await page.getByRole('grid', { name: 'Library' }).focus();
  await page.keyboard.press('Delete');
  const dialog = page.getByRole('alertdialog', { name: 'Remove example.org/team/app:stable?' });
  await dialog.getByText('Only this image has 3 layers').waitFor();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Clean up…' }).click();
  const plan = page.getByRole('alertdialog', { name: 'Clean up the image store?' });
  await until(
    () =>
      plan
        .getByRole('listitem')
        .filter({ hasText: /^layer/ })
        .count(),
    3,
  );
  await plan.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('heading', { name: 'No images yet' }).waitFor();
});

it('keeps layers that a composition stands on', async () => {
  const { page } = desktop;
  await imported();
  await detail().getByRole('button', { name: 'Add to composition', exact: true }).click();
  await until(() => page.locator('[data-layer]').count(), 3);
  await detail().getByRole('button', { name: 'Remove…' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByRole('button', { name: 'Clean up…' }).click();
  const plan = page.getByRole('alertdialog', { name: 'Clean up the image store?' });
  await until(() => plan.getByRole('listitem').filter({ hasText: 'stays: in use' }).count(), 3);
  expect(
    await plan
      .getByRole('listitem')
      .filter({ hasText: /^layer/ })
      .count(),
  ).toBe(0);
  await page.keyboard.press('Escape');
});

it('makes an image of what an upper changes, and writes it to a file that can be imported again', async () => {
  const { page } = desktop;
  await imported();
  await detail().getByRole('button', { name: 'Add to composition', exact: true }).click();
  await until(() => page.locator('[data-layer]').count(), 3);
  mkdirSync(at('upper'));
  mkdirSync(at('work'));
  writeFileSync(at('upper/new-file'), 'new\n');
  chmodSync(at('upper/new-file'), 0o640);
  await desktop.app.evaluate(({ dialog }, path) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path] });
  }, at('upper'));
  await page.getByRole('button', { name: 'Set upper' }).click();
  await until(() => page.locator('[data-layer]').count(), 4);
  await page.getByRole('button', { name: 'Commit…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Make an image of “Seed”' });
  await until(() => dialog.getByLabel('Base image').locator('option').count(), 2);
  await dialog.getByLabel('Name of the image').fill('localhost/changed:1');
  await dialog.getByLabel('What the history says').fill('put a file there');
  await dialog.getByRole('button', { name: 'Make image' }).click();
  await until(names, ['example.org/team/app:1', 'localhost/changed:1'], 20_000);
  await images().nth(1).click();
  await detail().getByRole('heading', { name: 'localhost/changed:1' }).waitFor();
  await until(() => page.locator('[id^="image-layer-"]').count(), 4);
  expect(await page.locator('#image-layer-0').getAttribute('aria-label')).toContain('put a file there');

  await detail().getByRole('button', { name: 'Export…' }).click();
  const out = page.getByRole('dialog', { name: 'Export localhost/changed:1' });
  await out.getByLabel('Destination').fill(at('out.tar'));
  await out.getByRole('button', { name: 'Export' }).click();
  await page.getByText('localhost/changed:1 is exported.').waitFor();
  expect(existsSync(at('out.tar'))).toBe(true);
});

it('draws few of thousands of images, sorts and filters them', async () => {
  const { page } = desktop;
  const one = layout.image('amd64', [100]);
  layout.name(one, 'example.org/many/image:7');
  await importByTyping(`oci:${layout.folder}:example.org/many/image:7`);
  await until(() => images().count(), 1, 20_000);
  // One image with very many names, as if each were another: put into the store's own file, which is read anew.
  const store = storeOf(at('data'));
  const file = join(store, 'references.json');
  const references = JSON.parse(readFileSync(file, 'utf8')) as { names: Record<string, string> };
  const [digest] = Object.values(references.names);
  const record = JSON.parse(readFileSync(join(store, `images/${digest!.slice(7)}.json`), 'utf8')) as {
    manifest: { digest: string };
  };
  for (let i = 0; i < 2000; i++) {
    const copy = `sha256:${i.toString(16).padStart(64, '0')}`;
    references.names[`example.org/many/image:n${i}`] = copy;
    const made = { ...record, manifest: { ...record.manifest, digest: copy } };
    writeFileSync(join(store, `images/${copy.slice(7)}.json`), JSON.stringify(made));
  }
  writeFileSync(file, JSON.stringify(references));
  await page.getByLabel('Filter images').fill('image:n1999');
  await desktop.page.getByRole('heading', { name: 'No image matches the filter' }).waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await images().first().click();
  await detail()
    .getByRole('button', { name: /Add a name/ })
    .click();
  await page.getByLabel('Add a name').fill('example.org/many/image:again');
  await page.keyboard.press('Enter');
  await page.getByText('2,001 images').waitFor({ timeout: 30_000 });
  expect(await images().count()).toBeLessThan(80);
  await page.getByRole('grid', { name: 'Library' }).focus();
  await page.keyboard.press('End');
  await page.locator('#image-2000[aria-selected="true"]').waitFor();
  await page.getByLabel('Filter images').fill('image:n1999');
  await until(names, ['example.org/many/image:n1999']);
});

it('takes a reference that is pasted, and says where layers are by their bytes', async () => {
  const { page } = desktop;
  const source = JSON.stringify(`oci:${layout.folder}:example.org/team/app:1`);
  await page.evaluate(`{
    const data = new DataTransfer();
    data.setData('text/plain', ${source});
    document.querySelector('nav').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
  }`);
  await until(names, ['example.org/team/app:1'], 20_000);
  await images().first().click();
  await page.locator('#image-layer-0').click();
  const folder = await detail().locator('dd.mono[title*="/layers/"]').getAttribute('title');
  expect(folder?.startsWith(storeOf(at('data')))).toBe(true);
  expect(bytesOf(folder!)).toBe(folder);
});
