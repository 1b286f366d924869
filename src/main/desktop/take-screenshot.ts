// SPDX-License-Identifier: MIT
import type { BrowserWindow } from 'electron';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';

/** Writes the window's picture to `file`. Called when the page says that it has settled. */
export async function takeScreenshot(window: BrowserWindow, file: string): Promise<void> {
  // No row shall look pointed at because the pointer of a bare X server rests in the middle of the screen.
  window.webContents.sendInputEvent({ type: 'mouseMove', x: 0, y: 0 });
  // Two frames of grace: the page settles before the compositor has shown its last state.
  await window.webContents.executeJavaScript(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))',
  );
  const image = await window.webContents.capturePage();
  await writeFile(resolve(file), image.toPNG());
}
