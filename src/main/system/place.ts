// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';

/**
 * Where a call finds an object: a name in an open directory, or, with an empty name, the object that `fd` itself is
 * open on (O_PATH is enough). No symlink at the end is followed.
 */
export interface Place {
  readonly fd: number;
  readonly name: ByteString;
}

/** The place of what a descriptor is open on. */
export const placeOfFd = (fd: number): Place => ({ fd, name: '' });

/** A path to the place, for calls that take no descriptor. Without a name it ends in a link of /proc: follow it. */
export const procPath = ({ fd, name }: Place): ByteString =>
  name === '' ? `/proc/self/fd/${fd}` : `/proc/self/fd/${fd}/${name}`;
