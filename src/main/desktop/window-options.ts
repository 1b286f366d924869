// SPDX-License-Identifier: MIT
import type { BrowserWindowConstructorOptions, Rectangle } from 'electron';

export const MIN_SIZE = { width: 820, height: 560 };

/** The page's ground in each theme; the window has it before the first paint, so that no white flashes. */
export const GROUND = { light: '#f5f4f0', dark: '#151514' } as const;

/** How our one window is made. Pure, so that a test can hold the security settings. */
export function windowOptions(
  bounds: Partial<Rectangle>,
  dark: boolean,
  preload: string,
): BrowserWindowConstructorOptions {
  return {
    ...bounds,
    minWidth: MIN_SIZE.width,
    minHeight: MIN_SIZE.height,
    show: false,
    title: 'Lamina',
    autoHideMenuBar: true,
    backgroundColor: dark ? GROUND.dark : GROUND.light,
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    },
  };
}
