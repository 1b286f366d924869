// SPDX-License-Identifier: MIT
import { kernelMount } from '../kernel-mount';
import { mountpointOf, slugOf } from '../slug';
import { argumentTooLong } from './form';
import type { FormRenderer } from './form';
import { mountCommand } from './mount';

/** mount(8) with one `lowerdir+=` or `datadir+=` a layer, as fsconfig(2) takes them (semantics 10.1, 10.5). */
export const renderFsconfig: FormRenderer = (composition) => {
  const mount = kernelMount(composition, 'each');
  const long = argumentTooLong(mount.options ?? '');
  return {
    text: long.length > 0 ? null : mountCommand(mount, mountpointOf(composition)),
    warnings: [...long, ...mount.warnings],
    filename: `fsconfig-${slugOf(composition.name)}.sh`,
  };
};
