// SPDX-License-Identifier: MIT
// Lays the loader of ../electron-loader into an Electron that has no default app.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project.mjs';

/** Copies the loader, unless the same is there already. */
export function layLoader(electronFolder) {
  const source = join(projectRoot, 'scripts/electron-loader');
  const target = join(electronFolder, 'resources/app');
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(source)) {
    const wanted = readFileSync(join(source, name));
    if (sameContent(join(target, name), wanted)) continue;
    // By rename: another work tree's Electron may be starting from this cache right now.
    const written = join(target, `${name}.${process.pid}`);
    writeFileSync(written, wanted);
    renameSync(written, join(target, name));
  }
}

function sameContent(file, wanted) {
  try {
    return readFileSync(file).equals(wanted);
  } catch {
    return false;
  }
}
