// SPDX-License-Identifier: MIT
import { chmodSync, existsSync } from 'node:fs';

/**
 * Lets every user open /dev/fuse, in CI. A workstation's udev gives it mode 0666; in a container, where no udev runs,
 * it has 0600, and the tests of what an ordinary user can mount would test nothing.
 */
export function openFuse(environment = process.env) {
  if (environment.CI !== 'true' || process.getuid() !== 0 || !existsSync('/dev/fuse')) return;
  chmodSync('/dev/fuse', 0o666);
}
