// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import { decompress } from '../decompress';
import { MAGIC_BYTES, packingOf } from '../layer-format';

/**
 * The tar in a blob, whatever it is packed with.
 * @throws Failure for a packing that images do not have, TarError for a blob that is broken
 */
export async function* plainTar(blob: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const rest = blob[Symbol.asyncIterator]();
  const start: Uint8Array[] = [];
  let length = 0;
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    start.push(next.value);
    length += next.value.length;
    if (length >= MAGIC_BYTES) break;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* start;
      for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
    } finally {
      await rest.return?.();
    }
  }
  const packing = packingOf(Buffer.concat(start));
  if (packing !== 'tar' && packing !== 'gzip' && packing !== 'zstd') {
    throw new Failure(
      'EOPNOTSUPP',
      `A layer is packed with ${packing}, which no container engine reads (EOPNOTSUPP).`,
      'Have the image made again.',
    );
  }
  yield* decompress(all(), packing);
}
