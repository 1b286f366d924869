// SPDX-License-Identifier: MIT
// The Debian packages: installed as root, asked for otherwise.
import { spawnSync } from 'node:child_process';
import { debianPackages } from '../debian-packages.mjs';
import { runOrFail } from './child.mjs';
import { hasDisplay } from './display.mjs';
import { say, SetUpFailure } from './say.mjs';

/** Sees to the Debian packages that `command` ("start" or "test") needs. */
export function setUpDebianPackages(command, { isRoot = process.getuid() === 0 } = {}) {
  const needed = debianPackages.filter((entry) => entry.needs.includes(command));
  const installed = installedPackages(needed.map((entry) => entry.name));
  if (installed === undefined) {
    say(`no dpkg here, so unchecked: ${command} needs what Debian packages as ${namesOf(needed)}`);
    return;
  }
  const { missing, required } = missingPackages(needed, installed, hasDisplay());
  if (missing.length === 0) return;
  if (isRoot) install(missing);
  else if (required.length === 0) say(`for all of Lamina, install also:\n  ${installCommand(missing)}`);
  else
    throw new SetUpFailure(
      `Debian packages are missing. Install them, then run this again:\n  ${installCommand(missing)}`,
    );
}

/** Which of the needed packages are missing, and which of these nothing works without. */
export function missingPackages(needed, installed, display) {
  const missing = needed.filter((entry) => !installed.has(entry.name));
  return { missing, required: missing.filter((entry) => entry.required && !(display && entry.display === false)) };
}

/** The names, of those asked for, that `dpkg-query -W -f '${Package} ${db:Status-Status}\n'` lists as installed. */
export function parseInstalled(listing) {
  const installed = new Set();
  for (const line of listing.split('\n')) {
    const [name, status] = line.split(' ');
    // Debian 13 renamed the libraries whose time_t grew; the old name installs the new package.
    if (status === 'installed') installed.add(name.replace(/t64$/, ''));
  }
  return installed;
}

function installedPackages(names) {
  const patterns = names.flatMap((name) => [name, `${name}t64`]);
  // It exits 1 when one of the names is unknown, which is an answer too.
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...patterns], {
    encoding: 'utf8',
  });
  return query.error ? undefined : parseInstalled(query.stdout);
}

function install(packages) {
  const names = packages.map((entry) => entry.name);
  say(`installing Debian packages: ${names.join(' ')}`);
  // Waits, where another apt is at work, instead of failing.
  const lock = ['-o', 'DPkg::Lock::Timeout=300'];
  const args = ['install', '-y', '-q', '--no-install-recommends', ...lock, ...names];
  const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  // A fresh machine has no package lists, one long unused has old ones that name files no longer served; a machine
  // in use needs no update, the slowest part.
  if (spawnSync('apt-get', args, { ...options, stdio: 'ignore' }).status === 0) return;
  runOrFail('Debian package lists', 'apt-get', ['update', '-q'], options);
  runOrFail('Debian packages', 'apt-get', args, options);
}

function installCommand(packages) {
  return `sudo apt-get install --no-install-recommends ${namesOf(packages)}`;
}

function namesOf(packages) {
  return packages.map((entry) => entry.name).join(' ');
}
