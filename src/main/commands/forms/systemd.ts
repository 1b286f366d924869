// SPDX-License-Identifier: MIT
import { bytesOf, textOf } from '@shared/bytes';
import type { ByteString } from '@shared/bytes';
import { stackOf } from '@shared/composition';
import type { Composition } from '@shared/composition';
import { kernelMount } from '../kernel-mount';
import { withPlainEnd } from '../overlay-escape';
import { mountpointOf } from '../slug';
import { mountUnitName } from '../unit-name';
import type { FormRenderer } from './form';

/** Linux takes no longer file name, and systemd no longer unit name. */
const NAME_MAX = 255;

/** A systemd mount unit; blanks stay as they are, one level of backslashes, `%` doubled (semantics 10.3). */
export const renderSystemd: FormRenderer = (composition) => {
  const mountpoint = mountpointOf(composition);
  const filename = mountUnitName(mountpoint);
  const { options, forceMount2, warnings } = kernelMount(composition, 'either');
  const impossible = options === null ? [] : unwritable(mountpoint, filename, options);
  if (options === null || impossible.length > 0) {
    return {
      text: null,
      warnings: [...impossible, ...warnings],
      filename: filename.length > NAME_MAX ? 'overlay.mount' : filename,
    };
  }
  const lines = [
    '[Unit]',
    `Description=Overlay ${doubled(bytesOf(composition.name.replace(/[\p{Cc}\\]+/gu, ' ').trim()))}`,
    ...paths(composition).map((path) => `RequiresMountsFor=${quoted(doubled(path))}`),
    '',
    '[Mount]',
    'What=overlay',
    `Where=${doubled(withPlainEnd(mountpoint))}`,
    'Type=overlay',
    `Options=${doubled(kept(options))}`,
    ...(forceMount2 ? ['Environment=LIBMOUNT_FORCE_MOUNT2=always'] : []),
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ];
  return { text: lines.join('\n'), warnings, filename };
};

function paths(composition: Composition): ByteString[] {
  const all = [...stackOf(composition).map(({ path }) => path), composition.upper?.workdir ?? ''];
  return [...new Set(all)].filter((path) => path !== '');
}

function unwritable(mountpoint: ByteString, unit: string, options: ByteString): string[] {
  const text = [options, mountpoint].join('');
  const reasons: string[] = [];
  if (/[\n\r]/.test(text))
    reasons.push('A path holds a line break, which ends a line of a unit file. The mount form can.');
  if (textOf(text) === null) {
    reasons.push('A path is not UTF-8, and systemd reads unit files as UTF-8. The mount and fstab forms can.');
  }
  if (`${mountpoint}/`.includes('/../')) {
    reasons.push('systemd takes no mount point with “..” in it: choose it without.');
  }
  if (unit.length > NAME_MAX) {
    reasons.push(
      `The unit must be named after the mount point, and that name would have ${unit.length} bytes: choose a shorter mount point.`,
    );
  }
  return reasons;
}

/** systemd replaces `%` and the character after it. */
function doubled(value: ByteString): ByteString {
  return value.replaceAll('%', '%%');
}

/**
 * Before it starts mount(8), systemd takes the options apart and together again, which makes `\\` a single backslash
 * and leaves `\:` and `\,` (fstab_filter_options of libsystemd 252, called). Double what is to stay.
 */
function kept(options: ByteString): ByteString {
  return options.replaceAll('\\\\', '\\\\\\\\');
}

/** A word of a list of paths: in double quotes, with backslashes before quotes and backslashes. */
function quoted(path: ByteString): ByteString {
  return /^[\w/.:,%@+=-]+$/.test(path) ? path : `"${path.replace(/[\\"]/g, '\\$&')}"`;
}
