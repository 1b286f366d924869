// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { TarError } from '../tar/tar-error';

/** NAME_MAX of Linux's file systems, in bytes. */
const NAME_MAX = 255;
/** PATH_MAX: no tool of images unpacks longer ones. */
const PATH_MAX = 4096;

/**
 * The components of a name in a tar, from the layer's root on; none for the root itself.
 *
 * Leading slashes and `.` mean nothing, as for GNU tar, Docker and containerd: images have them, and a name that starts
 * at the layer's root cannot lead out. `..` is refused, as GNU tar does: Docker works it out by text, which names another
 * file than the kernel does where a symlink comes before it, and no tool that makes images writes it.
 * @throws TarError
 */
export function entryPath(name: ByteString, what: string): ByteString[] {
  if (name.length >= PATH_MAX) throw unsafe(`${what} has ${name.length} bytes, and ${PATH_MAX - 1} are the most`);
  if (name.includes('\0')) throw unsafe(`${what} has a NUL`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  for (const part of parts) {
    if (part === '..') throw unsafe(`${what} has ".." in it`);
    if (part.length > NAME_MAX && !isLongWhiteout(part))
      throw unsafe(`${what} has a component of ${part.length} bytes, and 255 are the most`);
  }
  return parts;
}

/** A whiteout is longer than the name that it takes away, which is all that is made on disk. */
const isLongWhiteout = (part: ByteString): boolean =>
  part.startsWith('.wh.') && part.length <= NAME_MAX + '.wh.'.length;

const unsafe = (message: string): TarError => new TarError('unsafe-entry', message);
