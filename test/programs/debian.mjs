// SPDX-License-Identifier: MIT
// A Debian root on both overlays: a real image's layers, in which apt-get installs packages.
import { copyFileSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { differences, listTree } from './list-tree.mjs';
import { mountPair } from './mount-pair.mjs';
import { run } from './run-program.mjs';

/** Layers that make-debian-image.sh made, in the folder that `LAMINA_DEBIAN_IMAGE` names; null without. */
export function debianImage() {
  const folder = process.env.LAMINA_DEBIAN_IMAGE;
  if (!folder || !existsSync(join(folder, 'lowerdir'))) return null;
  return { folder, lowers: readFileSync(join(folder, 'lowerdir'), 'utf8').trim().split(':') };
}

/** Content that tells of the moment or of inode numbers: logs, caches that are stamped, the order of downloads. */
const MASKED =
  /^(var\/log\/|var\/cache\/(ldconfig\/aux-cache|apt\/.*\.bin|debconf\/)|var\/lib\/apt\/|etc\/ld\.so\.cache)/;

/** Installs and removes packages in a chroot of each, and compares the roots. Returns the differences. */
export function installPackages(image, folder, packages) {
  const pair = mountPair(mkdtempSync(join(folder, 'debian-')), image.lowers);
  const since = Date.now() - 1000;
  try {
    for (const root of pair.both) {
      copyFileSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
      // No kernel file systems are mounted in it: apt's sandbox and dpkg's triggers need none for these packages.
      const env = { DEBIAN_FRONTEND: 'noninteractive', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
      const apt = (...args) =>
        run('chroot', [root, 'apt-get', '-q', '-o', 'APT::Sandbox::User=root', ...args], { env });
      apt('update');
      apt('install', '-y', '--no-install-recommends', ...packages);
      run('chroot', [root, 'dpkg', '--verify', ...packages], { env });
      apt('purge', '-y', packages.at(-1));
      apt('clean');
    }
    const [kernel, lamina] = pair.both.map((root) => listTree(root, { since, masked: (path) => MASKED.test(path) }));
    return differences(kernel, lamina);
  } finally {
    pair.unmount();
  }
}
