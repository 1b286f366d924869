// SPDX-License-Identifier: MIT
import { printImageName, type ImageName } from '../image-name';
import { answerFailure } from './answer-failure';
import type { Authorizer } from './authorizer';
import type { Connections } from './connections';
import { discard, exchange } from './exchange';
import { NetworkFault } from './network-fault';
import { pause, waitAfter, type RetryPolicy } from './retry';

/** How a registry is asked where its API is. */
export interface RootSearch {
  readonly name: ImageName;
  readonly connections: Connections;
  readonly insecure: boolean;
  readonly retry: RetryPolicy;
  /** Told what the registry wants to see of us. */
  readonly authorizer: Authorizer;
}

/**
 * The address of a registry's API, by asking it whether it is one (distribution-spec, "Determining Support"): by TLS, and
 * of an insecure registry without it where it does not speak TLS.
 * @throws NetworkFault where nobody answers, Failure of an answer that no registry gives
 */
export async function findApiRoot(search: RootSearch, signal: AbortSignal): Promise<URL> {
  const { name, insecure } = search;
  const host = name.domain === 'docker.io' ? 'registry-1.docker.io' : name.domain;
  try {
    return await ping(search, new URL(`https://${host}/v2/`), signal);
  } catch (error) {
    if (!(error instanceof NetworkFault) || error.kind === 'certificate' || !insecure) throw error;
    return ping(search, new URL(`http://${host}/v2/`), signal);
  }
}

async function ping(
  { name, connections, insecure, retry, authorizer }: RootSearch,
  url: URL,
  signal: AbortSignal,
): Promise<URL> {
  for (let tried = 1; ; tried += 1) {
    const answer = await exchange(connections, {
      method: 'GET',
      url,
      headers: {},
      authorization: null,
      insecure,
      signal,
    });
    if (answer.status === 200 || answer.status === 401) {
      authorizer.learn(answer);
      await discard(answer, signal);
      return url;
    }
    const wait = waitAfter(answer, tried, retry);
    if (tried >= retry.tries || wait === null) {
      const asked = { subject: printImageName(name), host: answer.url.host, credentials: authorizer.story };
      throw await answerFailure(answer, asked, signal);
    }
    await discard(answer, signal);
    await pause(wait, signal);
  }
}
