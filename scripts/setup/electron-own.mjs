// SPDX-License-Identifier: MIT
// The Electron that the `electron` package downloads from its release host.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project.mjs';
import { say } from './say.mjs';

const packageFolder = join(projectRoot, 'node_modules/electron');
const releaseHost = 'https://github.com/electron/electron/releases/download/';
const probeTimeout = 3000;

/** The downloaded binary, where there is one of the version that package.json names. */
export function ownElectron() {
  try {
    const { version } = manifest();
    const path = join(packageFolder, 'dist/electron');
    const downloaded = readFileSync(join(packageFolder, 'dist/version'), 'utf8').trim().replace(/^v/, '');
    // install.js writes path.txt last, when all is unpacked.
    const complete = existsSync(path) && existsSync(join(packageFolder, 'path.txt'));
    return complete && downloaded === version ? { path, version } : undefined;
  } catch {
    return undefined;
  }
}

/** Why Electron's own download cannot work here, or undefined where it should. */
export async function ownElectronUnavailable(environment = process.env) {
  const { version, engines } = manifest();
  if (!satisfies(process.versions.node, engines.node)) {
    return `Electron ${version}'s installer needs Node ${engines.node}, this is ${process.versions.node}`;
  }
  const mirror = environment.ELECTRON_MIRROR ?? environment.npm_config_electron_mirror ?? releaseHost;
  try {
    // Any answer will do: what must not happen is a download that hangs.
    await fetch(mirror, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(probeTimeout) });
    return undefined;
  } catch {
    return "Electron's download host does not answer";
  }
}

/** Runs the package's own installer; undefined when it fails. */
export function installOwnElectron() {
  say(`downloading Electron ${manifest().version}`);
  spawnSync(process.execPath, [join(packageFolder, 'install.js')], { stdio: ['ignore', 2, 2] });
  return ownElectron();
}

/** Whether a version is at least the one of a range like ">= 22.12.0", the only kind Electron uses. */
export function satisfies(version, range) {
  const least = /^>=\s*([\d.]+)$/.exec(range)?.[1];
  return least !== undefined && version.localeCompare(least, 'en', { numeric: true }) >= 0;
}

function manifest() {
  return JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
}
