// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { inUserNamespace, isFullRoot } from '../../system/privilege';

/**
 * The words before a command that run it as root of a user namespace in which the user's subordinate ids are mapped
 * (subuid(5), newuidmap(1)): layers unpacked there have their true owners. Null where we are root or in such a namespace
 * already, or where the machine or the user has not what it takes: layers are then unpacked with recorded owners.
 */
export function mappedNamespaceCommand(): readonly string[] | null {
  if (isFullRoot() || inUserNamespace()) return null;
  const command = ['unshare', '--user', '--map-auto', '--map-root-user', '--keep-caps'];
  // Only trying tells: the ids, newuidmap with its set-id bit, the kernel's and the administrator's limits all count.
  return spawnSync(command[0]!, [...command.slice(1), 'true'], { stdio: 'ignore' }).status === 0 ? command : null;
}
