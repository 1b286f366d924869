// SPDX-License-Identifier: MIT
import type { BrowserWindow } from 'electron';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

/** Writes the window's picture to `file`. Called when the page says that it has settled. */
export async function takeScreenshot(window: BrowserWindow, file: string): Promise<void> {
  // Two frames of grace: the page settles before the compositor has shown its last state.
  await window.webContents.executeJavaScript(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))',
  );
  const image = await window.webContents.capturePage();
  await writeFile(resolve(file), image.toPNG());
}
