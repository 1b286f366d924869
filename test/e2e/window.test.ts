// SPDX-License-Identifier: MIT
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { appFolder, Desktop, electronPath, scratchFolder } from './support/desktop';
import { until } from './support/until';

const run = promisify(execFile);

let scratch: ReturnType<typeof scratchFolder>;
let dataDir: string;

beforeEach(() => {
  scratch = scratchFolder();
  dataDir = join(scratch.path, 'data');
});
afterEach(() => scratch.remove());

it('gives the page three functions, and nothing of Node', async () => {
  const desktop = await Desktop.start(dataDir);
  const { page } = desktop;
  const seen = await page.evaluate(`({
    bridge: Object.keys(window.lamina).sort(),
    node: [typeof window.require, typeof window.process, typeof window.Buffer, typeof window.ipcRenderer],
  })`);
  expect(seen).toEqual({
    bridge: ['invoke', 'pathsFromDrop', 'subscribe'],
    node: ['undefined', 'undefined', 'undefined', 'undefined'],
  });
  expect(
    await page.evaluate(`window.lamina.invoke('nothing', {}).then(String, () => 'refused')`).catch(() => 'refused'),
  ).toBe('refused');
  await desktop.close();
});

it('stays on its page and reaches no network', async () => {
  const desktop = await Desktop.start(dataDir);
  const { app, page } = desktop;
  await page.evaluate(`window.open('https://example.org/')`);
  await page.evaluate(`location.href = 'https://example.org/'`);
  const fetched = await page.evaluate(`fetch('https://example.org/').then(() => 'came', () => 'refused')`);
  expect(fetched).toBe('refused');
  expect(page.url()).toBe('app://bundle/index.html');
  expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
  const permission = await page.evaluate(`Notification.requestPermission()`);
  expect(permission).toBe('denied');
  await desktop.close();
});

it('starts in spite of damaged files, sets them aside and says so', async () => {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, 'compositions.json'), '{"compositions": [');
  writeFileSync(join(dataDir, 'settings.json'), 'no JSON at all');
  const desktop = await Desktop.start(dataDir);
  await desktop.page.getByText('compositions.json could not be read').waitFor();
  await desktop.page.getByText('settings.json could not be read').waitFor();
  expect(await desktop.stack()).toHaveLength(4);
  expect(readdirSync(dataDir).filter((name) => name.includes('.damaged-'))).toHaveLength(2);
  await desktop.close();
});

it('remembers the theme, the shown hidden entries and the size of the window', async () => {
  let desktop = await Desktop.start(dataDir);
  await desktop.page.getByRole('button', { name: 'Theme' }).click();
  await desktop.page.getByRole('menuitemradio', { name: 'Dark' }).click();
  await desktop.page.getByRole('button', { name: 'Hidden entries' }).click();
  await desktop.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.setSize(1010, 690));
  await until(() => desktop.page.evaluate('innerWidth') as Promise<number>, 1010);
  await desktop.close();

  desktop = await Desktop.start(dataDir);
  expect(await desktop.page.getByRole('button', { name: 'Hidden entries' }).getAttribute('aria-pressed')).toBe('true');
  expect(await desktop.page.evaluate('innerWidth')).toBe(1010);
  const settings = JSON.parse(readFileSync(join(dataDir, 'settings.json'), 'utf8')) as { settings: { theme: string } };
  expect(settings.settings.theme).toBe('dark');
  await desktop.close();
});

it('takes its own picture', async () => {
  const file = join(scratch.path, 'shot.png');
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const shot = ['--screenshot', file, '--theme', 'dark', '--size', '1024x700', '--select', '/etc/motd'];
  await run(electronPath(), [...sandbox, appFolder, ...shot], { env: { ...process.env, LAMINA_DATA_DIR: dataDir } });
  const png = readFileSync(file);
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1024, 700]);
});

it('folds and resizes its panes by keyboard', async () => {
  const desktop = await Desktop.start(dataDir);
  const { page } = desktop;
  const splitter = page.getByRole('separator', { name: 'Resize Inspector' });
  const size = async (): Promise<number> => Number(await splitter.getAttribute('aria-valuenow'));
  const before = await size();
  await splitter.focus();
  await page.keyboard.press('ArrowLeft');
  await until(size, before + 16);
  await page.keyboard.press('Enter');
  await desktop.inspector.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Inspector' }).click();
  await desktop.inspector.waitFor();
  await desktop.close();
});
