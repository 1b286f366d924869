// SPDX-License-Identifier: MIT
import type { Digest } from '@shared/images';
import { digestOf } from '../checked-bytes';

/** What names each layer with all below it (OCI image-spec, config.md "Layer ChainID"), the lowest first. */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(Buffer.from(`${below} ${diffId}`)));
  }
  return chain;
}
