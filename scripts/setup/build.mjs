// SPDX-License-Identifier: MIT
// Building the app into out/, when its sources are newer.
import { lstatSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runOrFail } from './child.mjs';
import { projectRoot } from './project.mjs';
import { say } from './say.mjs';

/** All that out/ is made from. */
const sources = ['src', 'resources', 'package.json', 'package-lock.json', 'electron.vite.config.ts', 'tsconfig.json'];
const stamp = join(projectRoot, 'out/.built');

/** Builds, unless nothing has changed since the last build. */
export function setUpBuild() {
  if (modified(stamp) >= newest(sources.map((name) => join(projectRoot, name)))) return;
  // Warnings are for those who change the sources, and the build check shows them.
  build('error');
}

/** Builds. */
export function build(logLevel = 'warn') {
  say('building');
  const started = new Date();
  runOrFail(
    'build',
    process.execPath,
    [join(projectRoot, 'node_modules/electron-vite/bin/electron-vite.js'), 'build', '--logLevel', logLevel],
    {
      cwd: projectRoot,
      // The older of the two Electrons that may run it (electron-registry.mjs): the code must suit both.
      env: { ...process.env, ELECTRON_MAJOR_VER: '33' },
    },
  );
  mkdirSync(join(projectRoot, 'out'), { recursive: true });
  writeFileSync(stamp, '');
  // As of the start: what was saved during the build may have come too late for it.
  utimesSync(stamp, started, started);
}

/** The latest change in a list of files and folders; a folder's own time tells of files removed or renamed. */
function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    // Pictures of the app are made by it, not it from them.
    if (path.endsWith('/resources/screenshots')) continue;
    latest = Math.max(latest, modified(path));
    for (const entry of childrenOf(path)) latest = Math.max(latest, newest([join(path, entry)]));
  }
  return latest;
}

function childrenOf(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function modified(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
