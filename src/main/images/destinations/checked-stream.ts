// SPDX-License-Identifier: MIT
import type { Hash } from 'node:crypto';
import { hashFor, refuseWrong, wrongSize } from '../checked-bytes';
import type { Descriptor } from '../source';

/**
 * Hands a blob's bytes on, and fails at their end where they are not what the descriptor says.
 * @param from   of which the blob is, for messages
 * @param onBytes is told of bytes that have passed, beside those before
 * @throws Failure `wrong-size` (as soon as there are too many) or `wrong-digest`, that names both values
 */
export async function* checkedStream(
  descriptor: Descriptor,
  chunks: AsyncIterable<Uint8Array>,
  from: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const hash: Hash = hashFor(descriptor.digest);
  let count = 0;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    count += chunk.length;
    if (count > descriptor.size) throw wrongSize(descriptor.digest, descriptor.size, `${count} or more`, from);
    hash.update(chunk);
    yield chunk;
    onBytes(chunk.length);
  }
  signal.throwIfAborted();
  const algorithm = descriptor.digest.slice(0, descriptor.digest.indexOf(':'));
  refuseWrong(descriptor, count, `${algorithm}:${hash.digest('hex')}`, from);
}
