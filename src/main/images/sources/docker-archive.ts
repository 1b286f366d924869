// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { bytesOf, display } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { digestOf } from '../checked-bytes';
import { parseConfig } from '../config';
import { fullNameOf } from '../image-name';
import { MAGIC_BYTES, packingOf } from '../layer-format';
import { checked } from '../manifest';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../media-types';
import type { Descriptor, ImageSource, SourceRoot } from '../source';
import { MOST_DOCUMENT_BYTES, type FileSet } from './file-set';
import { missingFile } from './folder-files';
import { OciLayoutSource } from './oci-layout';

const MOST_LAYERS = 1024;

const entrySchema = v.object({
  Config: v.string(),
  RepoTags: v.nullish(v.array(v.string()), []),
  Layers: v.nullish(v.pipe(v.array(v.string()), v.maxLength(MOST_LAYERS)), []),
});
const manifestSchema = v.array(entrySchema);
type Entry = v.InferOutput<typeof entrySchema>;

/**
 * Opens an image of an archive as `docker save` and `podman save` write it. One that holds an OCI layout too, as Docker
 * writes it since version 25, is read as that: it has the manifests.
 * @param tag the image's name, or `@N` for the Nth (from 0); null for the only one there is
 * @throws Failure `no-image` or `ambiguous-image`, which list what there is; `bad-archive`
 */
export async function openDockerArchive(
  files: FileSet,
  notation: string,
  tag: string | null,
  signal: AbortSignal,
): Promise<ImageSource> {
  if ((await files.size('oci-layout')) !== null && (await files.size('index.json')) !== null)
    return OciLayoutSource.open(files, notation, tag);
  if ((await files.size('manifest.json')) === null) {
    const isOld = (await files.size('repositories')) !== null;
    throw new Failure(
      'bad-archive',
      `${notation} has no manifest.json: ${isOld ? 'it is of a Docker before version 1.10' : 'it is no archive of images'}.`,
      'Make it again with docker save, podman save or skopeo copy.',
    );
  }
  const bytes = await files.read('manifest.json', MOST_DOCUMENT_BYTES);
  const entry = choose(checked(manifestSchema, bytes, `manifest.json of ${notation}`), notation, tag);
  return DockerArchiveSource.open(files, notation, entry, signal);
}

/** An archive without manifests: one is made that names its layers as they are in it. */
class DockerArchiveSource implements ImageSource {
  readonly isLocal = true;

  private constructor(
    readonly notation: string,
    readonly references: readonly string[],
    private readonly files: FileSet,
    private readonly start: SourceRoot,
    private readonly names: ReadonlyMap<Digest, string>,
  ) {}

  static async open(files: FileSet, notation: string, entry: Entry, signal: AbortSignal): Promise<DockerArchiveSource> {
    const configBytes = await files.read(bytesOf(entry.Config), MOST_DOCUMENT_BYTES);
    const config: Descriptor = { mediaType: OCI_CONFIG, digest: digestOf(configBytes), size: configBytes.length };
    const { diffIds } = parseConfig(configBytes, config.digest, entry.Layers.length);
    const layers: Descriptor[] = [];
    const names = new Map([[config.digest, bytesOf(entry.Config)]]);
    for (const [i, name] of entry.Layers.entries()) {
      const layer = await describeLayer(files, notation, bytesOf(name), diffIds[i]!, signal);
      layers.push(layer);
      names.set(layer.digest, bytesOf(name));
    }
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers }));
    const start = { descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length }, bytes };
    const references = entry.RepoTags.map(fullNameOf).filter((name) => name !== null);
    return new DockerArchiveSource(notation, [...new Set(references)], files, start, names);
  }

  async root(): Promise<SourceRoot> {
    return this.start;
  }

  read(descriptor: Descriptor): Promise<Buffer> {
    return this.files.read(this.#nameOf(descriptor), MOST_DOCUMENT_BYTES);
  }

  open(descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.files.open(this.#nameOf(descriptor), offset, signal);
  }

  close(): Promise<void> {
    return this.files.close();
  }

  #nameOf({ digest }: Descriptor): string {
    const name = this.names.get(digest);
    if (name === undefined) throw missingFile(this.notation, digest);
    return name;
  }
}

/** A plain tar has the digest that the configuration says; one that was compressed has to be read for it. */
async function describeLayer(
  files: FileSet,
  notation: string,
  name: string,
  diffId: Digest,
  signal: AbortSignal,
): Promise<Descriptor> {
  const size = await files.size(name);
  if (size === null) throw missingFile(notation, name);
  const packing = packingOf(await firstBytes(await files.open(name, 0, signal)));
  if (packing === 'tar') return { mediaType: OCI_LAYER, digest: diffId, size };
  const hash = createHash('sha256');
  for await (const chunk of await files.open(name, 0, signal)) hash.update(chunk);
  return { mediaType: `${OCI_LAYER}+${packing}`, digest: `sha256:${hash.digest('hex')}`, size };
}

async function firstBytes(from: AsyncIterable<Uint8Array>): Promise<Buffer> {
  for await (const chunk of from) return Buffer.from(chunk.subarray(0, MAGIC_BYTES));
  return Buffer.alloc(0);
}

function choose(entries: readonly Entry[], notation: string, tag: string | null): Entry {
  const list = entries.flatMap(({ RepoTags, Config }) => (RepoTags.length > 0 ? RepoTags : [Config])).join(', ');
  const [first, ...others] = entries;
  if (!first) throw new Failure('no-image', `${notation} has no image.`, 'Make it again with docker save.');
  if (tag === null && others.length === 0) return first;
  if (tag === null)
    throw new Failure('ambiguous-image', `${notation} has several images: ${list}.`, 'Write which, after a colon.');
  const wanted = fullNameOf(tag);
  const found = entries.find(
    ({ RepoTags }, i) =>
      tag === `@${i}` || RepoTags.includes(tag) || (wanted !== null && RepoTags.map(fullNameOf).includes(wanted)),
  );
  if (found) return found;
  throw new Failure('no-image', `${notation} has no image “${display(tag)}”.`, `It has ${list}.`);
}
