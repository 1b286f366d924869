// SPDX-License-Identifier: MIT
// What Electron's default app does, for a binary that comes without one: `electron FOLDER ARGUMENTS...` starts the app
// in that folder, as if it were Electron's own.
import { app } from 'electron';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.env.LAMINA_APP ?? process.argv.slice(1).find((argument) => !argument.startsWith('-'));

try {
  if (!folder) throw new Error('usage: electron FOLDER [ARGUMENT...]');
  const appPath = resolve(folder);
  const manifest = JSON.parse(readFileSync(join(appPath, 'package.json'), 'utf8'));
  Object.defineProperty(process, 'defaultApp', { value: true, enumerable: true });
  if (manifest.version) app.setVersion(manifest.version);
  // Before anything asks for a path: the folder for user data is named after the app.
  app.setName(manifest.productName ?? manifest.name);
  app.setDesktopName(manifest.desktopName ?? `${app.getName()}.desktop`);
  app.setAppPath(appPath);
  // Awaited: Electron becomes ready only when the app has said what must be said before.
  await import(pathToFileURL(join(appPath, manifest.main ?? 'index.js')).href);
} catch (error) {
  // Not thrown on: Electron would show it in a window, and wait for somebody to close that.
  console.error(error);
  app.exit(1);
}
