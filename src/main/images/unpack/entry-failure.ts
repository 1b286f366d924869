// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { SystemError } from '../../system/libc';
import { TarError } from '../tar/tar-error';

const HINTS: Readonly<Record<string, string>> = {
  'bad-tar': 'The image is damaged, or no tool of images made it: get it anew from where it was built.',
  truncated: 'The image is damaged: get it anew from its source.',
  'over-limit': 'Nothing was kept of it. If you trust who made the image, import it with higher limits.',
  'unsafe-entry': 'Nothing was kept of it. Do not use this image unless you know who made it and why it is like this.',
  'unsupported-entry': 'Let the image be built anew with a tool of this decade.',
  ENOSPC: 'Make room on the file system of the store.',
  EDQUOT: 'Make room in the quota of the store.',
  EPERM: 'Import it as root, or in a user namespace that has the ids (newuidmap).',
  EACCES: 'Give yourself permission to write the store.',
  EINVAL: 'Its owner may be outside of the ids of this user namespace: import it as root, or with recorded owners.',
  EOPNOTSUPP: 'The file system of the store takes no such attribute: move the store to ext4, XFS or Btrfs.',
  EFBIG: 'The file system of the store takes no such large file.',
};

/**
 * What went wrong in a layer, as a person is told: the layer, the entry, the reason, the way out.
 * @param layer what names the layer: its digest
 * @param entry the entry that was read last; empty for the layer as a whole
 */
export function entryFailure(error: unknown, layer: string, entry: ByteString): unknown {
  const where = entry === '' ? `Layer ${layer}` : `Layer ${layer}, entry ${display(entry)}`;
  if (error instanceof TarError) return new Failure(error.code, `${where}: ${error.message}.`, HINTS[error.code]!);
  if (error instanceof SystemError) {
    const hint = HINTS[error.code] ?? 'Look at the file system of the store.';
    return new Failure(error.code, `${where}: ${error.syscall} failed (${error.code}).`, hint);
  }
  return error;
}
