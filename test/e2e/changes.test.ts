// SPDX-License-Identifier: MIT
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Locator } from 'playwright-core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bytesOf } from '@shared/bytes';
import { setXattr } from '../../src/main/system/xattr';
import { Desktop, scratchFolder } from './support/desktop';
import { seedComposition } from './support/seed';
import { until } from './support/until';

/* Uppers as a mount with userxattr writes them, made by hand: so that no test here needs root. */

const run = promisify(execFile);
let scratch: ReturnType<typeof scratchFolder>;
let desktop: Desktop;

const inUpper = (...names: string[]): string => join(scratch.path, 'upper', ...names);

function write(layer: string, name: string, content: string): void {
  const path = join(scratch.path, layer, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  utimesSync(path, 1_000_000_000, 1_000_000_000);
}

function makeLayers(): void {
  for (const name of ['upper', 'work', 'base']) mkdirSync(join(scratch.path, name));
  for (const name of ['hosts', 'motd', 'issue', 'passwd', 'group']) write('base', `etc/${name}`, `${name}\n`);
  write('base', 'opt/tool/run', 'run\n');
  write('upper', 'etc/hosts', 'more hosts\n');
  write('upper', 'etc/motd', 'motd\n');
  chmodSync(inUpper('etc/motd'), 0o600);
  write('upper', 'etc/issue', '');
  setXattr(bytesOf(inUpper('etc/issue')), 'user.overlay.whiteout', '');
  write('upper', 'srv/new', 'new\n');
  write('upper', 'srv/more/deep', 'deep\n');
  mkdirSync(inUpper('opt'));
  mkdirSync(inUpper('opt/tool'));
  setXattr(bytesOf(inUpper('opt/tool')), 'user.overlay.opaque', 'y');
}

async function start(name = 'upper'): Promise<void> {
  const path = (layer: string): string => bytesOf(join(scratch.path, layer));
  const dataDir = join(scratch.path, 'data');
  seedComposition(dataDir, {
    upper: name === '' ? null : { path: path(name), workdir: path('work') },
    lowers: [{ id: 'l1', path: path('base') }, ...(name === '' ? [{ id: 'l2', path: path('upper') }] : [])],
    options: { userxattr: true },
  });
  desktop = await Desktop.start(dataDir);
  await desktop.page.getByRole('tab', { name: 'Changes' }).click();
}

beforeEach(() => {
  scratch = scratchFolder();
  makeLayers();
});

afterEach(async () => {
  await desktop.close();
  scratch.remove();
  expect(desktop.complaints).toEqual([]);
});

const lines = (): Locator => desktop.page.locator('[data-change]');
const names = (): Promise<string[]> =>
  lines().evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-label') ?? ''));
const line = (path: string): Locator => desktop.page.locator(`[data-change="${path}"]`);
const summary = (): Promise<string | null> => desktop.page.locator('.strip [role="status"]').textContent();

it('lists what the upper changes, and filters it', async () => {
  await start();
  const { page } = desktop;
  await until(names, [
    'Modified, /etc/hosts, regular file, content, 11 B',
    'Deleted, /etc/issue, regular file, 6 B',
    'Metadata, /etc/motd, regular file, mode, 5 B',
    'Replaced, /opt/tool, directory',
    'Added, /srv, directory',
    'Added, /srv/more, directory',
    'Added, /srv/more/deep, regular file, 5 B',
    'Added, /srv/new, regular file, 4 B',
  ]);
  await until(summary, '8 changes');
  await page.getByRole('button', { name: 'Added: 4' }).click();
  await until(summary, '4 of 8 changes');
  await page.getByLabel('Filter changes by path').fill('DEEP');
  await until(names, ['Added, /srv/more/deep, regular file, 5 B']);
  await page.getByLabel('Filter changes by path').fill('nothing like it');
  await page.getByText('No change matches the filter').waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await until(summary, '8 changes');
});

it('follows an upper that is being written', async () => {
  await start();
  await until(summary, '8 changes');
  write('upper', 'etc/zz-new', 'just now');
  await line('/etc/zz-new').waitFor();
  writeFileSync(inUpper('etc/motd'), 'other\n');
  await until(async () => (await names()).includes('Modified, /etc/motd, regular file, content, mode, 6 B'), true);
  rmSync(inUpper('srv'), { recursive: true });
  await until(summary, '5 changes');
  expect(await line('/srv/new').count()).toBe(0);
});

it('explains a chosen change, and goes to it in the merged view', async () => {
  await start();
  const { page, inspector } = desktop;
  await line('/etc/issue').click();
  await inspector.locator('[data-role="whiteout"][data-letter="U"]').waitFor();
  await page.keyboard.press('ArrowDown');
  await inspector.getByRole('heading', { name: 'motd' }).waitFor();
  await page.keyboard.press('End');
  await inspector.getByRole('heading', { name: 'new' }).waitFor();
  expect(await page.getByRole('grid').getAttribute('aria-activedescendant')).toBe('change-7');
  // Written after the merged view was opened: it is there all the same.
  write('upper', 'srv/zz', '');
  await line('/srv/zz').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Alt+Enter');
  await desktop.row('/srv/zz').waitFor();
  await until(() => desktop.row('/srv/zz').getAttribute('aria-selected'), 'true');
});

it('discards one change by keyboard, after showing what goes', async () => {
  await start();
  const { page } = desktop;
  await line('/srv').click();
  await page.keyboard.press('Delete');
  const dialog = page.getByRole('alertdialog', { name: 'Discard this change?' });
  await dialog.getByText('4 objects, 9 B').waitFor();
  await dialog.getByText(`removed from ${inUpper()}`).waitFor();
  await page.keyboard.press('Escape');
  expect(existsSync(inUpper('srv/new'))).toBe(true);
  await page.keyboard.press('Delete');
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await dialog.waitFor({ state: 'hidden' });
  expect(existsSync(inUpper('srv'))).toBe(false);
  await until(summary, '4 changes');
});

it('discards all, and the merged view shows the lowers again', async () => {
  await start();
  const { page } = desktop;
  await page.getByRole('button', { name: 'Discard all…' }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Discard all 8 changes?' });
  const plan = dialog.getByRole('list', { name: 'What goes' }).getByRole('listitem');
  await until(() => plan.count(), 5);
  await dialog.getByText('In all 7 objects and 1 whiteout, 25 B.').waitFor();
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('Nothing has changed').waitFor();
  expect(readdirSync(inUpper())).toEqual([]);
  await page.getByRole('tab', { name: 'Merged view' }).click();
  await desktop.go('/etc/issue');
  await until(() => desktop.row('/etc/issue').getAttribute('aria-selected'), 'true');
});

it('discards nothing that was not shown', async () => {
  await start();
  const { page } = desktop;
  await line('/srv').click();
  await page.keyboard.press('Delete');
  const dialog = page.getByRole('alertdialog');
  await dialog.getByText('4 objects, 9 B').waitFor();
  write('upper', 'srv/late', 'late');
  await dialog.getByRole('button', { name: 'Discard' }).click();
  await dialog.getByRole('alert').getByText('has changed since').waitFor();
  await dialog.getByRole('button', { name: 'Look again' }).click();
  await dialog.getByText('5 objects, 13 B').waitFor();
  expect(existsSync(inUpper('srv/late'))).toBe(true);
  await page.keyboard.press('Escape');
});

it.skipIf(!existsSync('/dev/fuse'))(
  'follows a live mount through its upper, from the list of mounts too',
  async () => {
    await start();
    const { page } = desktop;
    const point = join(scratch.path, 'point');
    mkdirSync(point);
    await page.getByRole('button', { name: 'Mount…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Mount “Seed”' });
    await dialog.getByLabel('Mount point').fill(point);
    await dialog.getByRole('button', { name: 'Mount', exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
    try {
      await until(summary, `8 changes, following the mount on ${point}`);
      await page.getByRole('tab', { name: 'Merged view' }).click();
      await run(
        'sh',
        [
          '-ec',
          'echo hello > etc/greeting; rm etc/passwd; echo more >> etc/group; chmod 600 opt/../etc/motd; mkdir srv/dir',
        ],
        {
          cwd: point,
        },
      );
      await page.getByRole('button', { name: '1 live mount' }).click();
      const activity = page.getByRole('group', { name: `Activity of ${point}` });
      await activity.getByRole('img', { name: /^Copy-ups: .*, 1 in all$/ }).waitFor();
      expect(await activity.getByRole('img').count()).toBe(5);
      await page.getByRole('button', { name: 'Show its changes' }).click();
      await line('/etc/greeting').waitFor();
      await until(async () => (await names()).includes('Deleted, /etc/passwd, regular file, 7 B'), true);
      await line('/srv/dir').waitFor();
      await until(summary, `12 changes, following the mount on ${point}`);
    } finally {
      await run('umount', ['-l', point]).catch(() => run('fusermount3', ['-uz', point]));
    }
    await until(summary, '12 changes');
  },
  60_000,
);

it('draws few of many changes, and walks to the last', async () => {
  mkdirSync(join(scratch.path, 'many'));
  for (let i = 0; i < 200; i++) {
    mkdirSync(join(scratch.path, 'many', `d${i}`));
    for (let j = 0; j < 100; j++) symlinkSync('x', join(scratch.path, 'many', `d${i}`, `l${j}`));
  }
  await start('many');
  await until(summary, '20,200 changes', 20_000);
  expect(await lines().count()).toBeLessThan(60);
  await desktop.page.getByRole('grid').focus();
  await desktop.page.keyboard.press('End');
  await line('/d99/l99').waitFor();
  await until(() => line('/d99/l99').getAttribute('aria-selected'), 'true');
  expect(await lines().count()).toBeLessThan(60);
});

it('says why there is nothing to show', async () => {
  await start('');
  await desktop.page.getByText('No upper layer').waitFor();
});

it('shows a dirty volatile upper, refuses to mount it, and accepts it when told to', async () => {
  const marker = join(scratch.path, 'work/work/incompat/volatile');
  mkdirSync(marker, { recursive: true });
  await start();
  const { page } = desktop;
  const card = desktop.layer('upper').locator('[data-volatile]');
  await card.getByText('Dirty volatile upper').waitFor();
  await page.getByRole('button', { name: /problem/ }).click();
  await page.getByRole('button', { name: 'U: Dirty volatile upper' }).click();
  await until(() => card.locator('button:focus').count(), 1);
  await page.getByRole('button', { name: 'Mount…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Mount “Seed”' });
  await dialog.getByText(`Writable: changes go to ${inUpper()}`).waitFor();
  await dialog.getByLabel('Mount point').fill('/mnt');
  expect(await dialog.getByRole('button', { name: 'Mount', exact: true }).isDisabled()).toBe(true);
  await dialog.getByRole('button', { name: 'Accept as it is…' }).click();
  const question = page.getByRole('alertdialog', { name: 'Use this upper as it is?' });
  await question.getByText('may be damaged without any sign').waitFor();
  await question.getByRole('button', { name: 'Remove the marker' }).click();
  await dialog.locator('[data-volatile]').waitFor({ state: 'hidden' });
  expect(await dialog.getByRole('button', { name: 'Mount', exact: true }).isDisabled()).toBe(false);
  expect(existsSync(marker)).toBe(false);
  expect(existsSync(inUpper('srv/new'))).toBe(true);
});

it('empties a dirty volatile upper when told to', async () => {
  mkdirSync(join(scratch.path, 'work/work/incompat/volatile/dirty'), { recursive: true });
  await start();
  const { page } = desktop;
  await desktop.layer('upper').getByRole('button', { name: 'Discard the upper…' }).click();
  const question = page.getByRole('alertdialog', { name: 'Discard everything in this upper?' });
  await question.getByText('It holds 10 objects, 25 B.').waitFor();
  await question.getByRole('button', { name: 'Delete everything in it' }).click();
  await page.getByText('Nothing has changed').waitFor();
  expect(readdirSync(inUpper())).toEqual([]);
  expect(readdirSync(join(scratch.path, 'work'))).toEqual([]);
  expect(await desktop.page.locator('[data-volatile]').count()).toBe(0);
});
