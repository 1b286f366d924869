// SPDX-License-Identifier: MIT
import type { ImageName } from '../image-name';
import { pushEndpoint } from './endpoints';
import { loadRegistriesConf } from './registries-conf-files';
import { RegistryClient } from './registry-client';
import type { RegistrySettings } from './settings';
import { tagPages } from './tags';

/**
 * The tags of a repository in its registry's order, page by page as they arrive. Asked of the registry itself: of
 * mirrors none may have them all.
 * @throws Failure in words: no such repository, no access
 */
export async function* listTags(
  name: ImageName,
  settings: RegistrySettings,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const conf = loadRegistriesConf(settings);
  const client = new RegistryClient(pushEndpoint(conf, name), settings, conf.credentialHelpers);
  try {
    yield* tagPages(client, signal);
  } finally {
    await client.close();
  }
}
