// SPDX-License-Identifier: MIT
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { _electron, type ElectronApplication, type Locator, type Page } from 'playwright-core';

/** The built app: this checkout, or another folder, as that of a packaged app. */
export const appFolder = process.env['LAMINA_APP'] ?? resolve(import.meta.dirname, '../../..');

/** The app as a user has it open: its window, and the words in which tests speak of it. */
export class Desktop {
  private constructor(
    readonly app: ElectronApplication,
    readonly page: Page,
    /** What the page complained of; must stay empty. */
    readonly complaints: readonly string[],
  ) {}

  /** Starts the built app on a data folder of its own, and waits until the first view has come. */
  static async start(dataDir: string, args: readonly string[] = []): Promise<Desktop> {
    const executablePath = electronPath();
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const app = await _electron.launch({
      executablePath,
      args: [...sandbox, appFolder, ...args],
      env: {
        ...(process.env as Record<string, string>),
        LAMINA_DATA_DIR: dataDir,
        LAMINA_STORE: storeOf(dataDir),
        XDG_RUNTIME_DIR: runtimeDir(dataDir),
      },
    });
    const complaints: string[] = [];
    const page = await app.firstWindow();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.setDefaultTimeout(15_000);
    // An empty stack has no tree.
    const nothing = page.getByRole('heading', { name: 'Nothing to merge yet' });
    await page.locator('[role="treegrid"][aria-busy="false"]').or(nothing).waitFor();
    return new Desktop(app, page, complaints);
  }

  async close(): Promise<void> {
    await this.app.close();
  }

  /** The layers of the stack by the last name of their paths, top first. */
  async stack(): Promise<string[]> {
    const titles = await this.page
      .locator('[data-layer] > .card')
      .evaluateAll((cards) => cards.map((card) => card.getAttribute('title') ?? ''));
    return titles.map((path) => path.slice(path.lastIndexOf('/') + 1));
  }

  layer(name: string): Locator {
    return this.page.locator('[data-layer]').filter({ has: this.page.locator(`.card[title$="/${name}"]`) });
  }

  /** Goes to a screen by its key. */
  async screen(name: 'Compose' | 'Library' | 'Compare' | 'Analysis'): Promise<void> {
    const at = ['Compose', 'Library', 'Compare', 'Analysis'].indexOf(name) + 1;
    await this.page.keyboard.press(`Control+${at}`);
    await this.page.locator('nav [aria-current="page"]', { hasText: name }).waitFor();
  }

  /** Goes to a path of the merged tree by the path field. */
  async go(path: string): Promise<void> {
    const field = this.page.getByLabel('Path in the merged view');
    await field.fill(path);
    await field.press('Enter');
  }

  row(path: string): Locator {
    return this.page.locator(`[role="row"][data-path="${path}"]`);
  }

  get inspector(): Locator {
    return this.page.getByRole('region', { name: 'Inspector' });
  }

  get command(): Locator {
    return this.page.locator('[data-command]');
  }

  /** What the polite live region last said. */
  get announcement(): Locator {
    return this.page.locator('[aria-live="polite"]');
  }

  /** Presses an option's value, as `metacopy off`. */
  async option(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click();
  }
}

export function electronPath(): string {
  const path = process.env['LAMINA_ELECTRON'];
  if (!path) throw new Error('LAMINA_ELECTRON does not name an Electron binary.');
  return path;
}

/** The image store of an app that runs on a data folder: nobody's own. */
export const storeOf = (dataDir: string): string => `${dataDir}-images`;

/** Live mounts are registered there; those of other sessions are none of a test's business. */
function runtimeDir(dataDir: string): string {
  const path = `${dataDir}-run`;
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

/** A folder that goes away with the test. */
export function scratchFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'lamina-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
