// SPDX-License-Identifier: MIT
import type { EffectiveOptions, ModuleDefaults } from './option-types';
import type { OptionValues } from './option-values';

/** The module parameters of an ordinary kernel: redirects are followed, everything else is off (semantics 5.1). */
export const LINUX_DEFAULTS: ModuleDefaults = {
  redirectDir: false,
  redirectAlwaysFollow: true,
  index: false,
  nfsExport: false,
  xinoAuto: false,
  metacopy: false,
};

/**
 * Where the kernel starts before its rules change anything: the given values over the module's defaults.
 * `redirect_dir=off` means "do not write" and leaves following to `redirect_always_follow`; without an upper the
 * kernel calls following `on`, there being nothing to write (semantics 5.1).
 */
export function startingOptions(given: OptionValues, modules: ModuleDefaults, writable: boolean): EffectiveOptions {
  const off = modules.redirectAlwaysFollow ? 'follow' : 'nofollow';
  const asked = given.redirect_dir ?? (modules.redirectDir ? 'on' : 'off');
  const redirect = asked === 'off' ? off : asked;
  return {
    metacopy: onOff(given.metacopy, modules.metacopy),
    redirectDir: redirect === 'follow' && !writable ? 'on' : redirect,
    index: onOff(given.index, modules.index),
    nfsExport: onOff(given.nfs_export, modules.nfsExport),
    xino: given.xino ?? (modules.xinoAuto ? 'auto' : 'off'),
    userxattr: given.userxattr ?? false,
    verity: given.verity ?? 'off',
    uuid: given.uuid ?? 'auto',
    // Commands give `volatile` before `fsync=`, and the last one wins.
    fsync: given.fsync ?? (given.volatile ? 'volatile' : 'auto'),
  };
}

function onOff(value: 'on' | 'off' | undefined, fallback: boolean): boolean {
  return value === undefined ? fallback : value === 'on';
}
