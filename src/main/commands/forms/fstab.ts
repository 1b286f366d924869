// SPDX-License-Identifier: MIT
import { textOf } from '@shared/bytes';
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
  const mountpoint = mountpointOf(composition);
  const field = [options, ...waits(composition)].join(',');
  return {
    text: `overlay ${octal(mountpoint)} overlay ${octal(field)} 0 0`,
    warnings: [...warnings, ...(forceMount2 ? [NO_FORCE] : []), ...atBoot(options, mountpoint)],
    filename,
  };
};

const NO_FORCE = 'fstab has no place for LIBMOUNT_FORCE_MOUNT2: with mount(8) 2.39 and newer use the mount form.';

/** What systemd's fstab generator and then its mount unit make of the line; seen with systemd 252. */
function atBoot(options: ByteString, mountpoint: ByteString): string[] {
  const either = options + mountpoint;
  return [
    options.includes('\\\\') &&
      'mount(8) mounts this line, but at boot systemd takes the backslash in a path for an escape. The systemd form can say it.',
    either.includes('\n') && 'mount(8) mounts this line, but at boot systemd cuts it off at the line break in a path.',
    textOf(either) === null && 'mount(8) mounts this line, but at boot systemd skips it: a path is not UTF-8.',
  ].filter((warning) => warning !== false);
}

function octal(field: ByteString): ByteString {
  return field.replace(/[ \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** Lets systemd mount what the layers lie on first; only for names that need no escaping there. */
function waits(composition: Composition): ByteString[] {
  const paths = [...stackOf(composition).map(({ path }) => path), composition.upper?.workdir ?? ''];
  const plain = paths.filter((path) => /^\/[\w./+@-]+$/.test(path)).map((path) => path.replace(/\/+$/, ''));
  return [...new Set(plain)].map((path) => `x-systemd.requires-mounts-for=${path}`);
}
