// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import type { OptionName } from '@shared/options';
import { escapeDir } from '../overlay-escape';
import { shQuote } from '../sh-quote';
import { mountpointOf, slugOf } from '../slug';
import { argumentTooLong } from './form';
import type { FormRenderer } from './form';

/** fuse-overlayfs in userspace: fewer options, and marks that it does not understand (semantics 8.1, 8.3, 10.4). */
export const renderFuseOverlayfs: FormRenderer = (composition) => {
  const filename = `fuse-overlayfs-${slugOf(composition.name)}.sh`;
  const refused = impossible(composition);
  if (refused.length > 0) return { text: null, warnings: refused, filename };
  const options = optionText(composition);
  const long = argumentTooLong(options);
  return {
    text: long.length > 0 ? null : `fuse-overlayfs -o ${shQuote(options)} ${shQuote(mountpointOf(composition))}`,
    warnings: [...long, ...misread(composition), ...lacking(composition)],
    filename,
  };
};

/** libfuse takes one level of backslashes off everything; a lower that starts with `//` would name a plugin (8.3). */
function optionText({ lowers, upper, options }: Composition): ByteString {
  const items = [`lowerdir=${lowers.map(({ path }) => escapeDir(path.replace(/^\/+/, '/'))).join(':')}`];
  if (upper) items.push(`upperdir=${escapeDir(upper.path)}`, `workdir=${escapeDir(upper.workdir)}`);
  if (options.volatile || options.fsync === 'volatile') items.push('volatile');
  return items.join(',');
}

function impossible({ lowers, data, upper }: Composition): string[] {
  const reasons: string[] = [];
  if (lowers.length === 0) reasons.push('There is no lower layer: nothing can be mounted yet.');
  if (data.length > 0) {
    reasons.push(
      'fuse-overlayfs knows no data-only layers: files would read as zeros. The mount form and Lamina’s own mount can.',
    );
  }
  if (upper && !upper.workdir) reasons.push('fuse-overlayfs takes no upper without a workdir: choose one.');
  if (lowers.some(({ path }) => path.includes(':'))) {
    reasons.push(
      'A lower layer has a colon in its path, where fuse-overlayfs before 1.15 splits the list. The mount form and Lamina’s own mount can.',
    );
  }
  return reasons;
}

function misread({ options }: Composition): string[] {
  return [
    options.metacopy === 'on'
      ? 'fuse-overlayfs does not understand metacopy: files whose data lie in another layer read as zeros.'
      : null,
    options.metacopy === 'on' || options.redirect_dir === 'on' || options.redirect_dir === 'follow'
      ? 'fuse-overlayfs does not follow redirects: a renamed directory shows empty.'
      : null,
  ].filter((warning) => warning !== null);
}

/** Options without a counterpart; `default_permissions` is what fuse-overlayfs does anyway. */
const LACKING: readonly OptionName[] = [
  'metacopy',
  'redirect_dir',
  'index',
  'nfs_export',
  'xino',
  'uuid',
  'userxattr',
  'verity',
];

function lacking({ options }: Composition): string[] {
  const left = LACKING.filter((name) => options[name] !== undefined && options[name] !== 'off').map((name) => {
    const value = options[name];
    return value === true || value === undefined ? name : `${name}=${value}`;
  });
  if (options.fsync === 'strict') left.push('fsync=strict');
  return left.length > 0 ? [`Left out, because fuse-overlayfs has no such option: ${left.join(', ')}.`] : [];
}
