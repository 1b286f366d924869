// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import type { Descriptor } from '../source';
import { openBlob, rangeHeaders } from './blob-stream';
import { discard, exchange, type Answer } from './exchange';
import { NetworkFault } from './network-fault';
import type { RegistryClient } from './registry-client';

/**
 * A blob from the addresses that its descriptor names (OCI image-spec, descriptor.md, `urls`), asked without any
 * credentials. Null where it names none, or none of them gives it: then the registry is asked.
 */
export async function openForeign(
  { connections, retry }: RegistryClient,
  descriptor: Descriptor,
  offset: number,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | null> {
  for (const address of (descriptor.urls ?? []).slice(0, 16)) {
    const url = URL.canParse(address) ? new URL(address) : null;
    if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') continue;
    const ask = async (from: number, until: AbortSignal): Promise<Answer> => {
      const headers = rangeHeaders(from);
      // Plain http may do: what comes is known by its digest, and nothing of ours goes there.
      const plainHttp = url.protocol === 'http:';
      const answer = await exchange(connections, {
        method: 'GET',
        url,
        headers,
        authorization: null,
        insecure: plainHttp,
        signal: until,
      });
      if (answer.status === 200 || (answer.status === 206 && from > 0)) return answer;
      await discard(answer, until);
      throw new Failure(
        'registry-not-found',
        `Blob ${descriptor.digest}: ${url.host} answers with HTTP ${answer.status}.`,
        'Import the image from where this layer is at hand.',
      );
    };
    try {
      return await openBlob(ask, descriptor, offset, retry, signal);
    } catch (error) {
      if (!(error instanceof Failure || error instanceof NetworkFault)) throw error;
    }
  }
  return null;
}
