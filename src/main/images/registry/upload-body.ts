// SPDX-License-Identifier: MIT
import type { Hash } from 'node:crypto';
import { Failure } from '@shared/failure';
import type { Descriptor } from '../source';
import { hashFor } from './digest';

/**
 * What is sent of a blob, counted and hashed as it passes. Bytes that are sent again after a break are neither counted
 * nor hashed twice, so that at the end the hash is that of the blob once through.
 */
export class UploadBody {
  readonly #hash: Hash;
  /** Bytes that have passed at least once. */
  #furthest = 0;

  constructor(
    private readonly descriptor: Descriptor,
    private readonly open: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    private readonly onBytes: (bytes: number) => void,
  ) {
    this.#hash = hashFor(descriptor.digest);
  }

  get furthest(): number {
    return this.#furthest;
  }

  /** The bytes from `start` up to `end`. @throws Failure when the blob ends before, or goes on after its size */
  async *bytes(start: number, end: number): AsyncGenerator<Uint8Array> {
    const { size } = this.descriptor;
    let position = start;
    for await (const chunk of await this.open(start)) {
      const part = position + chunk.length > end ? chunk.subarray(0, end - position) : chunk;
      if (part.length < chunk.length && end === size) throw this.#wrongSize(`more than ${size}`);
      this.#pass(position, part);
      position += part.length;
      if (part.length > 0) yield part;
      // At the blob's own end one look further: it must end there too.
      if (position === end && end < size) return;
    }
    if (position < end) throw this.#wrongSize(`only ${position}`);
  }

  /** @throws Failure with both digests when what has passed is not the blob of the descriptor */
  check(): void {
    const { digest } = this.descriptor;
    const actual = `${digest.slice(0, digest.indexOf(':'))}:${this.#hash.copy().digest('hex')}`;
    if (actual === digest) return;
    throw new Failure(
      'wrong-digest',
      `Blob ${digest} was not pushed: what it was read from has the digest ${actual}.`,
      'Import the image again: its copy here is damaged.',
    );
  }

  #pass(position: number, part: Uint8Array): void {
    const fresh = position + part.length - this.#furthest;
    if (fresh <= 0) return;
    this.#hash.update(part.subarray(part.length - fresh));
    this.#furthest += fresh;
    this.onBytes(fresh);
  }

  #wrongSize(found: string): Failure {
    const { digest, size } = this.descriptor;
    return new Failure(
      'wrong-size',
      `Blob ${digest} was not pushed: it has ${found} bytes, its descriptor says ${size}.`,
      'Import the image again: its copy here is damaged.',
    );
  }
}
