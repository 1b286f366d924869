// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Desktop, scratchFolder } from './support/desktop';
import { until } from './support/until';

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

it('follows a metacopy file down to its data layer', async () => {
  const { inspector } = desktop;
  await desktop.go('/usr/share/demo/words');
  await inspector.getByRole('heading', { name: 'words' }).waitFor();
  await inspector.locator('[data-role="metadata"][data-letter="A"]').waitFor();
  await inspector.locator('[data-role="data"][data-letter="D"]').waitFor();
  expect(await inspector.locator('[data-role="metadata"]').textContent()).toContain('redirect=/');
  await inspector.locator('[data-preview]').waitFor();
  expect(await desktop.page.locator('li.lit').evaluateAll((cards) => cards.length)).toBe(2);
  expect(await desktop.row('/usr/share/demo/words').getAttribute('aria-label')).toContain(
    'from layer A data from D, 60 B',
  );
});

it('warns of a redirect that a layer in the middle captures', async () => {
  const { inspector } = desktop;
  await desktop.go('/usr/share/demo/config.json');
  await inspector.locator('[data-role="data"][data-letter="B"]').waitFor();
  await inspector.getByText('A redirect meant for a data-only layer').waitFor();
  expect(await desktop.row('/usr/share/demo/config.json').textContent()).toContain('captured');
});

it('says why a removed name is not there', async () => {
  const { inspector } = desktop;
  await desktop.go('/etc/issue.net');
  await inspector.getByText('not in the merged view').waitFor();
  await inspector.locator('[data-role="whiteout"][data-letter="A"]').waitFor();
  await desktop.page.getByRole('button', { name: 'Hidden entries' }).click();
  await desktop.row('/etc/issue.net').waitFor();
  expect(await desktop.row('/etc/issue.net').textContent()).toContain('whiteout');
});

it('shows at once what an option changes, and what it conflicts with', async () => {
  const { page } = desktop;
  await desktop.go('/usr/share/demo/words');
  await until(async () => (await desktop.command.textContent())?.includes('metacopy=on'), true);
  await page.locator('[data-rule] button').first().waitFor();

  await desktop.option('metacopy off');
  await until(async () => (await desktop.command.textContent())?.includes('metacopy=off'), true);
  await desktop.option('metacopy off');
  await until(async () => (await desktop.command.textContent())?.includes('metacopy'), false);

  await desktop.option('volatile on');
  await until(async () => (await desktop.command.textContent())?.includes('volatile'), true);
  await page.locator('[data-option="volatile"] [data-rule]').first().waitFor();
  await page.keyboard.press('Control+Z');
  await until(async () => (await desktop.command.textContent())?.includes('volatile'), false);
});

it('cures a conflict with one click', async () => {
  const { page } = desktop;
  const conflicts = page.locator('.finding.error');
  await conflicts.first().waitFor();
  const before = await conflicts.count();
  await conflicts.first().getByRole('button').first().click();
  await expect.poll(() => conflicts.count(), { timeout: 10_000 }).toBeLessThan(before);
});

it('writes the command in every form', async () => {
  const { page } = desktop;
  await desktop.option('userxattr on');
  await until(async () => (await desktop.command.textContent())?.includes('userxattr'), false);
  for (const form of ['lowerdir+=', 'fstab', 'systemd', 'unshare', 'fuse-overlayfs', 'lamina', 'mount(8)']) {
    await page.getByRole('tab', { name: form, exact: true }).click();
    const panel = page.getByRole('tabpanel', { name: form, exact: true });
    await panel.waitFor();
    await expect.poll(() => panel.textContent(), { timeout: 5000 }).not.toBe('');
  }
  await page.getByRole('button', { name: 'Copy', exact: true }).click();
  const copied = await desktop.app.evaluate(({ clipboard }) => clipboard.readText());
  expect(copied.trim()).toBe((await desktop.command.textContent())?.trim());
});

it('walks the tree by keyboard', async () => {
  const { page } = desktop;
  const grid = page.getByRole('treegrid');
  const chosen = (): Promise<string | null> =>
    page.locator('[role="row"][aria-selected="true"]').getAttribute('data-path');
  await grid.focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Home');
  await until(() => page.locator('[role="row"][aria-selected="true"]').getAttribute('aria-posinset'), '1');
  await page.keyboard.type('etc');
  await until(chosen, '/etc');
  await page.keyboard.press('ArrowLeft');
  await until(() => desktop.row('/etc').getAttribute('aria-expanded'), 'false');
  await page.keyboard.press('ArrowRight');
  await until(() => desktop.row('/etc').getAttribute('aria-expanded'), 'true');
  await page.keyboard.press('ArrowRight');
  await until(async () => (await chosen())?.startsWith('/etc/'), true);
  await page.keyboard.press('Backspace');
  await until(chosen, '/etc');
  // Type-ahead starts over after a pause.
  await page.waitForTimeout(800);
  await page.keyboard.type('usr');
  await until(chosen, '/usr');
  expect(await grid.getAttribute('aria-activedescendant')).toBe(await desktop.row('/usr').getAttribute('id'));
});

it('keeps what is open and selected when a layer moves', async () => {
  const { page } = desktop;
  await desktop.go('/opt/editor/colors/calm.vim');
  await desktop.inspector.getByRole('heading', { name: 'calm.vim' }).waitFor();
  await desktop.layer('build-tools').locator('.card').focus();
  await page.keyboard.press('Alt+ArrowDown');
  await until(() => desktop.row('/opt/editor/colors/calm.vim').getAttribute('aria-selected'), 'true');
  expect(await desktop.row('/opt/editor').getAttribute('aria-expanded')).toBe('true');
});

it('scrolls a directory of 100,000 names with few rows in the page', async () => {
  const { page } = desktop;
  const many = join(scratch.path, 'many-names');
  mkdirSync(join(many, 'big'), { recursive: true });
  for (let i = 0; i < 100_000; i++) writeFileSync(join(many, 'big', `n${String(i).padStart(6, '0')}`), '');
  const field = page.getByLabel('Type or paste the path of a layer');
  await field.fill(many);
  await field.press('Enter');
  await desktop.row('/big').waitFor();
  await desktop.go('/big');
  await until(() => desktop.row('/big').getAttribute('aria-selected'), 'true');
  await page.getByRole('treegrid').focus();
  await page.keyboard.press('ArrowRight');
  await desktop.row('/big/n000003').waitFor();
  // Names come before those of the sample that sort after them; up from the next name is the last one of these.
  await desktop.go('/c4');
  await until(() => desktop.row('/c4').getAttribute('aria-selected'), 'true');
  await page.getByRole('treegrid').focus();
  await page.keyboard.press('ArrowUp');
  await until(() => desktop.row('/big/n099999').getAttribute('aria-posinset'), '100000');
  expect(await page.getByRole('row').count()).toBeLessThan(60);
}, 60_000);
