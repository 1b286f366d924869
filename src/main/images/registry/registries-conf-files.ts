// SPDX-License-Identifier: MIT
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '@shared/failure';
import { addConf, emptyConf, type RegistriesConf } from './registries-conf';
import { placesOf, type RegistrySettings } from './settings';

/**
 * Reads registries.conf: the file named by CONTAINERS_REGISTRIES_CONF, else the user's, else the machine's; then the
 * drop-ins. With a file of the user's own those of the machine are left out (containers-registries.conf.d(5)).
 * @throws Failure that names the file
 */
export function loadRegistriesConf(settings: RegistrySettings): RegistriesConf {
  const { environment, home, etc } = placesOf(settings);
  const named = environment['CONTAINERS_REGISTRIES_CONF'];
  const system = join(etc, 'containers/registries.conf');
  // Fixed to ~/.config: containers does not look at XDG_CONFIG_HOME here.
  const user = join(home, '.config/containers/registries.conf');
  const main = named || (existsSync(user) ? user : system);
  const folders = main === user && !named ? [`${user}.d`] : [`${system}.d`, `${user}.d`];
  const text = read(main, Boolean(named));
  const start = text === null ? emptyConf : addConf(emptyConf, main, text);
  return folders.flatMap(dropIns).reduce((conf, file) => addConf(conf, file, read(file, true) ?? ''), start);
}

function dropIns(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.conf'));
    return names.sort().map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function read(file: string, needed: boolean): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    if (!needed && (code === 'ENOENT' || code === 'ENOTDIR')) return null;
    throw new Failure(code, `${file} cannot be read (${code}).`, 'Make it readable, or take it away.');
  }
}
