// SPDX-License-Identifier: MIT
import { app, BrowserWindow, nativeTheme, screen } from 'electron';
import { join } from 'node:path';
import { APP_ORIGIN } from './asset-path';
import type { DataStore } from './data-store';
import { fitBounds } from './fit-bounds';
import type { LaunchArguments } from './launch-arguments';
import { GROUND, windowOptions } from './window-options';

/** Opens the window where it was last, in the theme's ground colour, and shows it once it is painted. */
export function openAppWindow(store: DataStore, launch: LaunchArguments): BrowserWindow {
  const bounds =
    launch.size ??
    fitBounds(
      store.bounds,
      screen.getAllDisplays().map((display) => display.workArea),
    );
  const preload = join(app.getAppPath(), 'out/preload/index.cjs');
  const window = new BrowserWindow(windowOptions(bounds, nativeTheme.shouldUseDarkColors, preload));
  if (!launch.size && store.maximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  const follow = (): void => window.setBackgroundColor(nativeTheme.shouldUseDarkColors ? GROUND.dark : GROUND.light);
  nativeTheme.on('updated', follow);
  window.once('closed', () => nativeTheme.off('updated', follow));
  if (!launch.screenshot) {
    window.on('close', () => store.rememberWindow(window.getNormalBounds(), window.isMaximized()));
  }
  void window.loadURL(`${APP_ORIGIN}/index.html`);
  return window;
}
