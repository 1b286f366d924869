// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { stackOf } from '@shared/composition';
import type { Composition } from '@shared/composition';
import { kernelMount } from '../kernel-mount';
import { mountpointOf, slugOf } from '../slug';
import type { FormRenderer } from './form';

/** A line of fstab(5): the options of mount(8), with blanks and backslashes as octal (semantics 10.2). */
export const renderFstab: FormRenderer = (composition) => {
  const { options, forceMount2, warnings } = kernelMount(composition, 'either');
  const filename = `fstab-${slugOf(composition.name)}`;
  if (options === null) return { text: null, warnings, filename };
  const field = [options, ...waits(composition)].join(',');
  return {
    text: `overlay ${octal(mountpointOf(composition))} overlay ${octal(field)} 0 0`,
    warnings: forceMount2
      ? [...warnings, 'fstab has no place for LIBMOUNT_FORCE_MOUNT2: with mount(8) 2.39 or newer use the mount form.']
      : warnings,
    filename,
  };
};

function octal(field: ByteString): ByteString {
  return field.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** Lets systemd mount what the layers lie on first; only for names that need no escaping there. */
function waits(composition: Composition): ByteString[] {
  const paths = [...stackOf(composition).map(({ path }) => path), composition.upper?.workdir ?? ''];
  const plain = paths.filter((path) => /^\/[\w./+@-]+$/.test(path)).map((path) => path.replace(/\/+$/, ''));
  return [...new Set(plain)].map((path) => `x-systemd.requires-mounts-for=${path}`);
}
