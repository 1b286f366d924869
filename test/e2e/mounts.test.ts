// SPDX-License-Identifier: MIT
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Desktop, scratchFolder } from './support/desktop';
import { until } from './support/until';

const run = promisify(execFile);

let scratch: ReturnType<typeof scratchFolder>;
let desktop: Desktop;
let point: string;

beforeEach(async () => {
  scratch = scratchFolder();
  point = join(scratch.path, 'point');
  mkdirSync(point);
  desktop = await Desktop.start(join(scratch.path, 'data'));
});

afterEach(async () => {
  await desktop.close();
  // Only where a test failed half way is it still there.
  await run('umount', ['-l', point]).catch(() => undefined);
  scratch.remove();
});

async function mount(): Promise<void> {
  const { page } = desktop;
  await page.getByRole('button', { name: 'Mount…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Read-only: there is no upper to write to.').waitFor();
  await dialog.getByLabel('Mount point').fill(point);
  await dialog.getByRole('button', { name: 'Mount', exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: '1 live mount' }).waitFor();
}

async function unmount(): Promise<void> {
  const { page } = desktop;
  await page.getByRole('button', { name: '1 live mount' }).click();
  const list = page.getByRole('list', { name: 'Live mounts' });
  expect(await list.textContent()).toContain(point);
  await list.getByRole('button', { name: 'Unmount' }).click();
  await page.getByText('Nothing is mounted.').waitFor();
}

it.skipIf(!existsSync('/dev/fuse'))(
  'mounts, lets other programs read, and unmounts',
  async () => {
    await mount();
    const { stdout: motd } = await run('cat', [join(point, 'etc/motd')]);
    expect(motd).toContain('Welcome to the merged tree.');
    const { stdout: names } = await run('ls', [join(point, 'usr/share/demo')]);
    expect(names.split('\n')).toContain('words');
    const { stdout: words } = await run('cat', [join(point, 'usr/share/demo/words')]);
    expect(words.length).toBe(60);
    await unmount();
    await until(async () => (await run('ls', [point])).stdout, '');
  },
  60_000,
);

it.skipIf(!existsSync('/dev/fuse'))(
  'finds a mount again that outlived the window',
  async () => {
    await mount();
    await desktop.close();
    const { stdout } = await run('cat', [join(point, 'etc/motd')]);
    expect(stdout).toContain('Welcome');
    desktop = await Desktop.start(join(scratch.path, 'data'));
    await desktop.page.getByRole('button', { name: '1 live mount' }).waitFor();
    await unmount();
  },
  60_000,
);

it.skipIf(!existsSync('/dev/fuse'))(
  'shows what a mount does, and its log',
  async () => {
    await mount();
    const { page } = desktop;
    await page.getByRole('button', { name: '1 live mount' }).click();
    const activity = page.getByRole('group', { name: `Activity of ${point}` });
    const operations = activity.getByRole('img', { name: /^Operations: / });
    const total = async (): Promise<number> =>
      Number(
        /, ([\d,]+) in all$/.exec((await operations.getAttribute('aria-label')) ?? '')?.[1]?.replace(',', '') ?? 0,
      );
    await operations.waitFor();
    const before = await total();
    await run('ls', ['-lR', point]);
    await expect.poll(total, { timeout: 10_000 }).toBeGreaterThan(before + 10);
    // Nothing can be written without an upper, and so nothing is plotted of it.
    expect(await activity.getByRole('img').count()).toBe(3);
    await activity.getByRole('button', { name: 'Log' }).click();
    await activity.getByText('The log is empty').waitFor();
    await page.getByRole('button', { name: 'Activity' }).click();
    await activity.waitFor({ state: 'hidden' });
    await page.keyboard.press('Escape');
    await unmount();
  },
  60_000,
);

it('says what is wrong with a mount point, in the dialog', async () => {
  const { page } = desktop;
  await page.getByRole('button', { name: 'Mount…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Mount point').fill(join(scratch.path, 'nowhere'));
  await dialog.getByRole('button', { name: 'Mount', exact: true }).click();
  await dialog.getByRole('alert').filter({ hasText: 'nowhere' }).waitFor();
  await page.keyboard.press('Escape');
});
