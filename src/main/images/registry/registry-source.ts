// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import type { Descriptor, ImageSource, SourceRoot } from '../source';
import { openBlob, rangeHeaders } from './blob-stream';
import { pullEndpoints } from './endpoints';
import { openForeign } from './foreign-blob';
import { fetchManifest, fetchRoot, MOST_SMALL } from './manifests';
import { isManifest } from './media-types';
import { loadRegistriesConf } from './registries-conf-files';
import { RegistryClient } from './registry-client';
import { printImageName, withDefaultTag, type ImageName } from '../image-name';
import type { RegistrySettings } from './settings';

/** An image in a registry, pulled by the OCI distribution protocol from the first of its mirrors that has it. */
export class RegistrySource implements ImageSource {
  readonly notation: string;
  readonly references: readonly string[];
  readonly #clients: readonly RegistryClient[];
  /** The one that had the image. */
  #chosen: RegistryClient | null = null;

  /** @throws Failure of registries.conf: unreadable, or the registry is blocked */
  constructor(name: ImageName, settings: RegistrySettings = {}) {
    const named = withDefaultTag(name);
    this.notation = `docker://${printImageName(named)}`;
    this.references = [printImageName(named)];
    const conf = loadRegistriesConf(settings);
    this.#clients = pullEndpoints(conf, named).map(
      (endpoint) => new RegistryClient(endpoint, settings, conf.credentialHelpers),
    );
  }

  async root(signal: AbortSignal): Promise<SourceRoot> {
    const reasons: Failure[] = [];
    for (const client of this.#clients) {
      try {
        const root = await fetchRoot(client, signal);
        this.#chosen = client;
        return root;
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        reasons.push(error);
      }
    }
    throw together(reasons);
  }

  async read(descriptor: Descriptor, signal: AbortSignal): Promise<Buffer> {
    const { digest, mediaType, size } = descriptor;
    if (size > MOST_SMALL) throw tooLarge(descriptor);
    if (isManifest(mediaType)) {
      return this.#first(signal, async (client) => (await fetchManifest(client, digest, signal)).bytes);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of await this.open(descriptor, 0, signal)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async open(descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const [client] = await this.#order(signal);
    const elsewhere = client && (await openForeign(client, descriptor, offset, signal));
    if (elsewhere) return elsewhere;
    return this.#first(signal, (each) => {
      const { digest } = descriptor;
      const ask = (from: number, until: AbortSignal): ReturnType<RegistryClient['request']> =>
        each.request({
          method: 'GET',
          path: `${each.name.path}/blobs/${digest}`,
          headers: rangeHeaders(from),
          scopes: [each.scope('pull')],
          expect: from > 0 ? [200, 206] : [200],
          subject: `Blob ${digest} of ${printImageName(each.name)}`,
          signal: until,
        });
      return openBlob(ask, descriptor, offset, each.retry, signal);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  /** The client that had the image, then those after it: a mirror may not have all of its blobs. */
  async #order(signal: AbortSignal): Promise<readonly RegistryClient[]> {
    if (!this.#chosen && this.#clients.length > 1) await this.root(signal);
    const at = this.#clients.findIndex((client) => client === this.#chosen);
    return this.#clients.slice(Math.max(at, 0));
  }

  async #first<T>(signal: AbortSignal, action: (client: RegistryClient) => Promise<T>): Promise<T> {
    const reasons: Failure[] = [];
    for (const client of await this.#order(signal)) {
      try {
        return await action(client);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        reasons.push(error);
      }
    }
    throw together(reasons);
  }
}

/** The failure at the last place, which is the registry itself, with those of the mirrors before it. */
function together(reasons: readonly Failure[]): Failure {
  const [last, ...mirrors] = [...reasons].reverse();
  if (!last) return new Failure('registry-unreachable', 'No place is left to ask.', 'Look at registries.conf.');
  if (mirrors.length === 0) return last;
  const others = mirrors.reverse().map(({ message }) => message);
  return new Failure(last.code, `${last.message} Of its mirrors: ${others.join(' ')}`, last.hint);
}

function tooLarge({ digest, size }: Descriptor): Failure {
  return new Failure(
    'too-large',
    `${digest}: ${size} bytes are too many for a manifest or a configuration.`,
    'No honest image has one of this size.',
  );
}
