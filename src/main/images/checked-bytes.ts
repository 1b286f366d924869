// SPDX-License-Identifier: MIT
import { createHash, type Hash } from 'node:crypto';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import type { Descriptor, ImageSource } from './source';

/** `sha256` of `sha256:…`. */
export const algorithmOf = (digest: Digest): string => digest.slice(0, digest.indexOf(':'));

/** A hash of the algorithm that a digest names. */
export const hashFor = (digest: Digest): Hash => createHash(algorithmOf(digest));

/** The digest of bytes in memory, in the algorithm of another. */
export const digestOf = (bytes: Uint8Array, like: Digest = 'sha256:'): Digest =>
  `${algorithmOf(like)}:${hashFor(like).update(bytes).digest('hex')}`;

/** A manifest, index or configuration of a source. Throws a Failure where it is not what its descriptor says. */
export async function checkedBytes(source: ImageSource, descriptor: Descriptor, signal: AbortSignal): Promise<Buffer> {
  const bytes = await source.read(descriptor, signal);
  refuseWrong(descriptor, bytes.length, digestOf(bytes, descriptor.digest), source.notation);
  return bytes;
}

/** Throws a Failure that names both values where a blob's size or digest is not what its descriptor says. */
export function refuseWrong(
  { digest, size }: Pick<Descriptor, 'digest' | 'size'>,
  bytes: number,
  found: Digest,
  from: string,
): void {
  if (bytes !== size) throw wrongSize(digest, size, bytes, from);
  if (found !== digest) {
    throw new Failure(
      'wrong-digest',
      `Blob ${digest} of ${from} has the digest ${found}.`,
      'It was damaged or exchanged: fetch it from where the image was made, or have it made again.',
    );
  }
}

/** A blob that has not the size which its descriptor says. */
export const wrongSize = (digest: Digest, wanted: number, found: number | string, from: string): Failure =>
  new Failure(
    'wrong-size',
    `Blob ${digest} of ${from} has ${found} bytes, its descriptor says ${wanted}.`,
    'It was cut short or exchanged: fetch it again, or have the image made again.',
  );
