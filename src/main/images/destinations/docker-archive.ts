// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { display, type ByteString } from '@shared/bytes';
import type { Digest } from '@shared/images';

import { printImageName, type ImageName } from '../image-name';
import { parseManifest } from '../manifest';
import { DOCKER_CONFIG, OCI_CONFIG } from '../media-types';
import type { Descriptor, ImageDestination } from '../source';
import { ArchiveFile } from './archive-file';
import { checkedStream } from './checked-stream';
import { legacyLayers } from './docker-legacy';
import { plainTar } from './plain-tar';

const isConfig = ({ mediaType }: Descriptor): boolean => mediaType === OCI_CONFIG || mediaType === DOCKER_CONFIG;
const hexOf = (digest: Digest): string => digest.slice(digest.indexOf(':') + 1);

/**
 * A docker-archive: what `docker save` writes and `docker load` and `podman load` take. Its layers are the plain tars,
 * named by their diff ids; the configuration is the image's own.
 */
export class DockerArchive implements ImageDestination {
  private readonly configs = new Map<Digest, Buffer>();
  /** Of each blob of a layer. */
  private readonly diffIds = new Map<Digest, Digest>();

  private constructor(
    private readonly archive: ArchiveFile,
    private readonly names: readonly ImageName[],
    readonly notation: string,
  ) {}

  /**
   * @param names of the image, with tags
   * @throws Failure EEXIST where the file is there already
   */
  static async make(path: ByteString, names: readonly ImageName[]): Promise<DockerArchive> {
    return new DockerArchive(await ArchiveFile.make(path), names, `docker-archive:${display(path)}`);
  }

  has({ digest }: Descriptor): Promise<boolean> {
    return Promise.resolve(this.configs.has(digest) || this.diffIds.has(digest));
  }

  async put(
    descriptor: Descriptor,
    open: (offset: number) => Promise<AsyncIterable<Uint8Array>>,
    onBytes: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const stream = async (): Promise<AsyncIterable<Uint8Array>> =>
      checkedStream(descriptor, await open(0), this.notation, onBytes, signal);
    if (isConfig(descriptor)) this.configs.set(descriptor.digest, await whole(await stream()));
    else await this.putLayer(descriptor.digest, stream);
  }

  private async putLayer(digest: Digest, open: () => Promise<AsyncIterable<Uint8Array>>): Promise<void> {
    let hash = createHash('sha256');
    async function* tar(): AsyncGenerator<Uint8Array> {
      hash = createHash('sha256');
      for await (const chunk of plainTar(await open())) {
        hash.update(chunk);
        yield chunk;
      }
    }
    await this.archive.late(
      () => Promise.resolve(tar()),
      () => {
        const diffId = `sha256:${hash.digest('hex')}`;
        const isThere = [...this.diffIds.values()].includes(diffId);
        this.diffIds.set(digest, diffId);
        return isThere ? null : layerName(diffId);
      },
    );
  }

  async finish(descriptor: Descriptor, bytes: Buffer): Promise<void> {
    const manifest = parseManifest(bytes, descriptor.digest);
    const config = this.configs.get(manifest.config.digest)!;
    const diffIds = manifest.layers.map(({ digest }) => this.diffIds.get(digest)!);
    const configName = `${hexOf(manifest.config.digest)}.json`;
    await this.archive.bytes(configName, config);
    const top = await this.legacy(diffIds, config.toString('utf8'));
    const names = this.names.map(printImageName);
    await this.archive.bytes(
      'manifest.json',
      json([{ Config: configName, RepoTags: names, Layers: diffIds.map(layerName) }]),
    );
    if (top !== null) await this.archive.bytes('repositories', json(this.repositories(top)));
    await this.archive.finish();
  }

  close(): Promise<void> {
    return this.archive.close();
  }

  /** The folders of Docker before 1.10. Returns the id of the topmost one, null for an image without layers. */
  private async legacy(diffIds: readonly Digest[], config: string): Promise<string | null> {
    const layers = legacyLayers(diffIds, config);
    for (const layer of layers) {
      await this.archive.directory(layer.id);
      await this.archive.bytes(`${layer.id}/VERSION`, Buffer.from('1.0'));
      await this.archive.bytes(`${layer.id}/json`, Buffer.from(layer.json));
      await this.archive.symlink(`${layer.id}/layer.tar`, `../${layerName(layer.diffId)}`);
    }
    return layers.at(-1)?.id ?? null;
  }

  private repositories(top: string): Record<string, Record<string, string>> {
    const found: Record<string, Record<string, string>> = {};
    for (const name of this.names) {
      const repository = printImageName({ ...name, tag: null, digest: null });
      found[repository] = { ...found[repository], [name.tag ?? 'latest']: top };
    }
    return found;
  }
}

const layerName = (diffId: Digest): ByteString => `${hexOf(diffId)}.tar`;
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
