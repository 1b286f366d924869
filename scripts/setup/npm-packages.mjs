// SPDX-License-Identifier: MIT
// The npm packages: exactly those of package-lock.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmCommand, runOrFail } from './child.mjs';
import { projectRoot } from './project.mjs';
import { say } from './say.mjs';

/** Installs the npm packages, unless they are there and are the ones of the lock file. */
export function setUpNpmPackages(root = projectRoot) {
  const wanted = readJson(join(root, 'package-lock.json'));
  // npm writes this record as the last act of an install and removes node_modules as the first act of `npm ci`, so
  // a half-finished install has none, and packages that somebody installed by hand count as well.
  const installed = readJson(join(root, 'node_modules/.package-lock.json'));
  if (installedAsLocked(wanted, installed)) return;
  say('installing the npm packages (npm ci)');
  const { command, args } = npmCommand();
  // Only errors: the packages of the newest Electron warn about older Node versions, which this set-up handles.
  runOrFail('npm packages', command, [...args, 'ci', '--loglevel=error', '--no-update-notifier'], { cwd: root });
}

/** Whether npm's record of what it installed (`node_modules/.package-lock.json`) is what the lock file asks for. */
export function installedAsLocked(lock, record) {
  if (!lock?.packages || !record?.packages) return false;
  const wanted = Object.entries(lock.packages).filter(([path]) => path !== '');
  const asLocked = (path) => {
    const want = lock.packages[path];
    const have = record.packages[path];
    return want !== undefined && have.version === want.version && have.integrity === want.integrity;
  };
  // An optional package may be missing: the lock file names the binaries of every platform.
  return (
    Object.keys(record.packages).every(asLocked) &&
    wanted.every(([path, want]) => path in record.packages || want.optional || want.devOptional)
  );
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
