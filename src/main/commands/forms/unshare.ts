// SPDX-License-Identifier: MIT
import { judgeOptions } from '@shared/options';
import { kernelMount } from '../kernel-mount';
import { shQuote } from '../sh-quote';
import { mountpointOf, slugOf } from '../slug';
import type { FormRenderer } from './form';
import { mountCommand } from './mount';

/** A mount without root, in a user and mount namespace with a shell in it; marks in user.overlay.* (semantics 10.4). */
export const renderUnshare: FormRenderer = (composition) => {
  const rootless = { ...composition, options: { ...composition.options, userxattr: true as const } };
  const filename = `unshare-${slugOf(composition.name)}.sh`;
  const conflicts = judgeOptions(rootless).findings.filter(({ rule }) => /^userxattr-(redirect|metacopy)$/.test(rule));
  if (conflicts.length > 0) {
    const reasons = conflicts.map(({ message, why }) => `A mount without root needs userxattr. ${message} ${why}`);
    return { text: null, warnings: [...reasons, 'As root, the mount form can.'], filename };
  }
  const mount = kernelMount(rootless, 'either');
  const inner = mountCommand(mount, mountpointOf(composition));
  if (inner === null) return { text: null, warnings: mount.warnings, filename };
  return {
    text: `unshare -Urm sh -c ${shQuote(`${inner} && exec sh`)}`,
    warnings: [...mount.warnings, ...limits(composition.options)],
    filename,
  };
};

/** What such a mount cannot do, though it is made (semantics 5.6, 10.4). */
function limits({ userxattr, index, nfs_export }: { userxattr?: true; index?: string; nfs_export?: string }): string[] {
  const dropped = [index === 'on' && 'index=on', nfs_export === 'on' && 'nfs_export=on'].filter(
    (name) => name !== false,
  );
  return [
    ...(userxattr ? [] : ['userxattr is added: marks that root wrote (trusted.overlay.*) are not seen.']),
    ...(dropped.length > 0 ? [`The kernel drops ${dropped.join(' and ')} in a user namespace.`] : []),
    'Files of other owners show as 65534 and cannot be changed: only your own id is mapped.',
  ];
}
