// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { digestOf } from '../checked-bytes';
import { parseConfig } from '../config';
import { fullNameOf } from '../image-name';
import { checked, digestSchema } from '../manifest';
import { raw } from '../store/durable';
import { namesIn } from '../store/layers';
import { tarBytesOf } from './tar-bytes';
import { chainIds } from './chain-ids';
import { regularSize } from './file-set';
import type { FoundImage, FoundLayer } from './found-image';

/** Where Docker has what it keeps, unless its daemon.json says `data-root`. */
export const DOCKER_ROOT: ByteString = '/var/lib/docker';

const repositoriesSchema = v.object({ Repositories: v.record(v.string(), v.record(v.string(), digestSchema)) });

/** Images of Docker's graph driver overlay2: `image/overlay2` says what they are, `overlay2` has their layers. */
export class DockerOverlay2 {
  private readonly info: ByteString;

  constructor(private readonly root: ByteString = DOCKER_ROOT) {
    this.info = `${root}/image/overlay2`;
  }

  /** All images whose layers are whole. Those that cannot be read are passed over; Failure where the folder cannot. */
  async images(): Promise<FoundImage[]> {
    const names = this.#names();
    const found: FoundImage[] = [];
    for (const hex of namesIn(`${this.info}/imagedb/content/sha256`)) {
      try {
        found.push(await this.#describe(`sha256:${hex}`, names));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
      }
    }
    return found;
  }

  /** The image of a name or id. Throws a Failure `no-image` that lists what there is. */
  async image(name: string): Promise<FoundImage> {
    const full = fullNameOf(name);
    const all = await this.images();
    const byName = all.find(({ references }) => full !== null && references.includes(full));
    const hex = /^(?:sha256:)?([a-f0-9]{6,64})$/.exec(name)?.[1];
    const found = byName ?? (hex && all.find(({ config }) => digestOf(config).startsWith(`sha256:${hex}`)));
    if (found) return found;
    const list = all.map(({ notation }) => notation.slice('docker-daemon:'.length)).join(', ');
    throw new Failure('no-image', `Docker has no image “${display(name)}”.`, `It has ${list || 'none at all'}.`);
  }

  /** The tags of each image. */
  #names(): ReadonlyMap<Digest, readonly string[]> {
    const names = new Map<Digest, string[]>();
    const path = `${this.info}/repositories.json`;
    let bytes;
    try {
      bytes = readFileSync(raw(path));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return names;
      throw new Failure(
        code ?? 'EIO',
        `${display(path)} cannot be read (${code}).`,
        "Docker's files are root's: run Lamina as root.",
      );
    }
    const { Repositories } = checked(repositoriesSchema, bytes, display(path));
    for (const tags of Object.values(Repositories)) {
      // Names by digest are of what was pulled: they are no tags.
      for (const [name, id] of Object.entries(tags))
        if (!name.includes('@')) names.set(id, [...(names.get(id) ?? []), name]);
    }
    return names;
  }

  async #describe(id: Digest, names: ReadonlyMap<Digest, readonly string[]>): Promise<FoundImage> {
    const config = readFileSync(raw(`${this.info}/imagedb/content/${id.replace(':', '/')}`));
    const { diffIds } = parseConfig(config, id, null);
    const layers: FoundLayer[] = [];
    for (const [i, chain] of chainIds(diffIds).entries()) layers.push(await this.#layer(diffIds[i]!, chain));
    const tags = names.get(id) ?? [];
    return {
      keeper: 'docker',
      notation: `docker-daemon:${tags[0] ?? id}`,
      references: tags.map(fullNameOf).filter((name) => name !== null),
      manifest: null,
      config,
      layers,
    };
  }

  async #layer(diffId: Digest, chain: Digest): Promise<FoundLayer> {
    const home = `${this.info}/layerdb/${chain.replace(':', '/')}`;
    const cacheId = this.#text(`${home}/cache-id`);
    if (this.#text(`${home}/diff`) !== diffId || !/^[a-z0-9-]+$/.test(cacheId)) throw unreadable(chain);
    const split = `${home}/tar-split.json.gz`;
    const tarSplit = (await regularSize(split)) === null ? null : split;
    return {
      diffId,
      blob: null,
      tarBytes: tarSplit === null ? null : await tarBytesOf(tarSplit, new AbortController().signal),
      folder: `${this.root}/overlay2/${cacheId}/diff`,
      tarSplit,
    };
  }

  #text(path: ByteString): string {
    try {
      return readFileSync(raw(path), 'utf8').trim();
    } catch {
      throw unreadable(path);
    }
  }
}

const unreadable = (what: ByteString): Failure =>
  new Failure(
    'unreadable-image',
    `Docker's layer ${display(what)} cannot be read.`,
    'See whether docker image inspect works.',
  );
