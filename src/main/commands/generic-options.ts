// SPDX-License-Identifier: MIT
import type { OptionItem } from './split-options';

/** Options of every mount, which mount(8) keeps for itself or turns into flags (mount(8), FILESYSTEM-INDEPENDENT). */
const FLAGS = new Set(
  (
    'defaults ro rw sync async dirsync lazytime nolazytime mand nomand atime noatime diratime nodiratime relatime ' +
    'norelatime strictatime nostrictatime suid nosuid dev nodev exec noexec symfollow nosymfollow iversion noiversion ' +
    'silent loud auto noauto user nouser users owner group nofail _netdev remount bind rbind move private rprivate ' +
    'shared rshared slave rslave unbindable runbindable ' +
    // The kernel's overlayfs knows these two; they change whose credentials are used and are never shown (5.1).
    'override_creds nooverride_creds'
  ).split(' '),
);
const WITH_VALUE = new Set(['context', 'fscontext', 'defcontext', 'rootcontext', 'comment', 'uhelper', 'user']);

/** Whether an option is one of mount(8)'s own, and none of overlayfs. */
export function isGenericOption({ name, value }: OptionItem): boolean {
  return /^x-/i.test(name) || (value === null ? FLAGS : WITH_VALUE).has(name);
}
