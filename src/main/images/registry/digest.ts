// SPDX-License-Identifier: MIT
import { createHash, type Hash } from 'node:crypto';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { plain } from './plain-text';

/** Hex digits of the algorithms that are registered (OCI image-spec, descriptor.md). */
const ALGORITHMS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** The algorithm of a digest. @throws Failure of one that is not registered, or not as long as its algorithm makes it */
export function algorithmOf(digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  if (ALGORITHMS[algorithm] === hex.length && /^[0-9a-f]+$/.test(hex)) return algorithm;
  throw new Failure(
    'wrong-digest',
    `${plain(digest)} is no digest that can be checked.`,
    'A digest is sha256: and 64 hexadecimal digits, or sha512: and 128.',
  );
}

/** A hash by the algorithm of `digest`. */
export function hashFor(digest: string): Hash {
  return createHash(algorithmOf(digest));
}

/** The digest of bytes by the algorithm of another. */
export function digestLike(digest: string, bytes: Uint8Array): Digest {
  return `${algorithmOf(digest)}:${hashFor(digest).update(bytes).digest('hex')}`;
}
