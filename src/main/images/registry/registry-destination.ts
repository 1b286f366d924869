// SPDX-License-Identifier: MIT
import { Failure } from '@shared/failure';
import { printImageName, withDefaultTag, type ImageName } from '../image-name';
import type { Descriptor, ImageDestination } from '../source';
import { digestLike } from './digest';
import { pushEndpoint } from './endpoints';
import { discard, headerOf } from './exchange';
import { isForeign, isManifest, manifestAccept } from './media-types';
import { MOST_SMALL } from './manifests';
import { loadRegistriesConf } from './registries-conf-files';
import { RegistryClient } from './registry-client';
import type { RegistrySettings } from './settings';
import { uploadBlob } from './upload';
import { UploadBody } from './upload-body';
import { UploadRequests, type UploadSession } from './upload-session';

export interface PushSettings extends RegistrySettings {
  /** Repositories of the same registry that may have the blobs already: `library/debian`. */
  readonly mountFrom?: readonly string[];
}

/** A registry that an image is pushed to by the OCI distribution protocol. */
export class RegistryDestination implements ImageDestination {
  readonly notation: string;
  readonly #name: ImageName;
  readonly #client: RegistryClient;
  readonly #settings: PushSettings;
  /** Uploads that the registry opened where it was asked to mount. */
  readonly #sessions = new Map<string, UploadSession>();

  /** @throws Failure of registries.conf: unreadable, or the registry is blocked */
  constructor(name: ImageName, settings: PushSettings = {}) {
    this.#name = withDefaultTag(name);
    this.notation = `docker://${printImageName(this.#name)}`;
    this.#settings = settings;
    const conf = loadRegistriesConf(settings);
    this.#client = new RegistryClient(pushEndpoint(conf, this.#name), settings, conf.credentialHelpers);
  }

  /** Whether the registry has it, or takes it from another of its repositories. Foreign layers are never sent. */
  async has(descriptor: Descriptor, signal: AbortSignal): Promise<boolean> {
    const { digest, mediaType } = descriptor;
    if (isForeign(descriptor)) return true;
    if (isManifest(mediaType)) return this.#hasManifest(digest, signal);
    const requests = new UploadRequests(this.#client, digest, signal);
    if (await requests.exists()) return true;
    return this.#mount(digest, requests);
  }

  /** Tries to have a blob from the other repositories; the upload that the registry opens instead is kept for `put`. */
  async #mount(digest: string, requests: UploadRequests): Promise<boolean> {
    for (const from of this.#settings.mountFrom ?? []) {
      if (from === this.#name.path) continue;
      try {
        const session = await requests.mount(from);
        await requests.cancel(this.#sessions.get(digest) ?? null);
        this.#sessions.delete(digest);
        if (!session) return true;
        this.#sessions.set(digest, session);
      } catch (error) {
        // That repository may not be ours to read: then the blob is sent.
        if (!(error instanceof Failure)) throw error;
      }
    }
    return false;
  }

  async put(
    descriptor: Descriptor,
    open: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const body = new UploadBody(descriptor, open, onBytes);
    if (isManifest(descriptor.mediaType)) {
      const bytes = await this.#collect(descriptor, body);
      await this.#putManifest(descriptor.digest, descriptor, bytes, signal);
      return;
    }
    const session = this.#sessions.get(descriptor.digest) ?? null;
    this.#sessions.delete(descriptor.digest);
    await uploadBlob(this.#client, descriptor, body, session, this.#settings.uploadChunk ?? null, signal);
  }

  /** Puts the manifest by its digest where the name has one, and by the tag. */
  async finish(descriptor: Descriptor, bytes: Buffer, signal: AbortSignal): Promise<void> {
    const { tag, digest } = this.#name;
    const actual = digestLike(descriptor.digest, bytes);
    if (actual !== descriptor.digest) throw this.#wrong(descriptor.digest, `the manifest has the digest ${actual}`);
    if (digest !== null && digest !== actual) throw this.#wrong(digest, `the image has the digest ${actual}`);
    if (digest !== null) await this.#putManifest(digest, descriptor, bytes, signal);
    if (tag !== null) await this.#putManifest(tag, descriptor, bytes, signal);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #hasManifest(digest: string, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#client.request({
      method: 'HEAD',
      path: `${this.#name.path}/manifests/${digest}`,
      headers: { accept: manifestAccept },
      scopes: [this.#client.scope('pull', 'push')],
      expect: [200, 404],
      subject: this.notation,
      signal,
    });
    await discard(answer, signal);
    return answer.status === 200;
  }

  async #collect({ digest, size }: Descriptor, body: UploadBody): Promise<Buffer> {
    if (size > MOST_SMALL) throw this.#wrong(digest, `${size} bytes are too many for a manifest`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body.bytes(0, size)) chunks.push(chunk);
    body.check();
    return Buffer.concat(chunks);
  }

  async #putManifest(reference: string, descriptor: Descriptor, bytes: Buffer, signal: AbortSignal): Promise<void> {
    const answer = await this.#client.request({
      method: 'PUT',
      path: `${this.#name.path}/manifests/${reference}`,
      headers: { 'content-type': descriptor.mediaType },
      body: bytes,
      scopes: [this.#client.scope('pull', 'push')],
      expect: [200, 201, 202],
      subject: this.notation,
      signal,
    });
    await discard(answer, signal);
    const stored = headerOf(answer, 'docker-content-digest');
    if (stored !== undefined && stored !== descriptor.digest) {
      throw this.#wrong(descriptor.digest, `the registry says that it has stored ${stored}`);
    }
  }

  #wrong(digest: string, reason: string): Failure {
    return new Failure(
      'wrong-digest',
      `${this.notation}: ${digest} was to be pushed, but ${reason}.`,
      'Push it again by its tag; if that fails too, import the image again.',
    );
  }
}
