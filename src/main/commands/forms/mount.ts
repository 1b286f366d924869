// SPDX-License-Identifier: MIT
import { kernelMount } from '../kernel-mount';
import type { KernelMount } from '../kernel-mount';
import { shQuote } from '../sh-quote';
import { mountpointOf, slugOf } from '../slug';
import type { FormRenderer } from './form';

/** mount(8) with one `lowerdir=` list: what every version and kernel understands (semantics 10.1). */
export const renderMount: FormRenderer = (composition) => {
  const mount = kernelMount(composition, 'list');
  return {
    text: mountCommand(mount, mountpointOf(composition)),
    warnings: mount.warnings,
    filename: `mount-${slugOf(composition.name)}.sh`,
  };
};

/** The shell command that gives `mount` to mount(8). */
export function mountCommand({ options, forceMount2 }: KernelMount, mountpoint: string): string | null {
  if (options === null) return null;
  const force = forceMount2 ? 'LIBMOUNT_FORCE_MOUNT2=always ' : '';
  return `${force}mount -t overlay overlay -o ${shQuote(options)} ${shQuote(mountpoint)}`;
}
