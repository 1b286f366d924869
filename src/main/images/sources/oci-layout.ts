// SPDX-License-Identifier: MIT
import * as v from 'valibot';
import { bytesOf, display } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { digestOf } from '../checked-bytes';
import { fullNameOf, isDigest, isShortName } from '../image-name';
import { checked, parseIndex } from '../manifest';
import { OCI_INDEX } from '../media-types';
import type { Descriptor, ImageSource, SourceRoot } from '../source';
import { MOST_DOCUMENT_BYTES, type FileSet } from './file-set';

/** OCI image-spec, annotations.md; and containerd's own, which has the full name. */
const REF_NAME = 'org.opencontainers.image.ref.name';
const FULL_NAME = 'io.containerd.image.name';

const layoutSchema = v.object({ imageLayoutVersion: v.pipe(v.string(), v.regex(/^1\./, 'version 1 of the layout')) });

/** An image of an OCI image layout (image-spec, image-layout.md), in a folder or an archive. */
export class OciLayoutSource implements ImageSource {
  readonly isLocal = true;

  private constructor(
    readonly notation: string,
    readonly references: readonly string[],
    private readonly files: FileSet,
    private readonly start: SourceRoot,
  ) {}

  /**
   * @param tag the image's name in the layout, its digest, or `@N` for the Nth (from 0); null for the only one there is
   * @throws Failure `no-image` or `ambiguous-image`, which list what there is
   */
  static async open(files: FileSet, notation: string, tag: string | null): Promise<OciLayoutSource> {
    checked(layoutSchema, await files.read('oci-layout', MOST_DOCUMENT_BYTES), `oci-layout of ${notation}`);
    const bytes = await files.read('index.json', MOST_DOCUMENT_BYTES);
    const entries = parseIndex(bytes, `index.json of ${notation}`);
    const chosen = choose(entries, notation, tag);
    const references = chosen.map(fullName).filter((name) => name !== null);
    const [only, ...others] = chosen;
    const start =
      others.length === 0
        ? { descriptor: only!, bytes: await files.read(blobName(only!), MOST_DOCUMENT_BYTES) }
        : indexOf(chosen);
    return new OciLayoutSource(notation, [...new Set(references)], files, start);
  }

  async root(): Promise<SourceRoot> {
    return this.start;
  }

  read(descriptor: Descriptor): Promise<Buffer> {
    return this.files.read(blobName(descriptor), MOST_DOCUMENT_BYTES);
  }

  open(descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return this.files.open(blobName(descriptor), offset, signal);
  }

  close(): Promise<void> {
    return this.files.close();
  }
}

/** What a layout has, for messages and lists: names, or digests where there are none. */
export const namesInLayout = (entries: readonly Descriptor[]): string[] =>
  entries.map((entry) => fullName(entry) ?? entry.annotations?.[REF_NAME] ?? entry.digest);

const blobName = ({ digest }: Descriptor): string => `blobs/${digest.replace(':', '/')}`;

function choose(entries: readonly Descriptor[], notation: string, tag: string | null): readonly Descriptor[] {
  const list = [...new Set(namesInLayout(entries))].join(', ');
  if (entries.length === 0) throw new Failure('no-image', `${notation} has no image.`, 'Copy an image into it first.');
  const found = tag === null ? onlyImage(entries) : entries.filter((entry, i) => isCalled(entry, i, tag));
  if (found === null) {
    throw new Failure('ambiguous-image', `${notation} has several images: ${list}.`, 'Write which, after a colon.');
  }
  if (found.length === 0) {
    throw new Failure('no-image', `${notation} has no image “${display(bytesOf(tag ?? ''))}”.`, `It has ${list}.`);
  }
  return found;
}

/** All entries, where they are one image: the only one, or the same for several platforms. */
function onlyImage(entries: readonly Descriptor[]): readonly Descriptor[] | null {
  if (entries.length === 1) return entries;
  const isOne = new Set(entries.map(({ annotations }) => annotations?.[REF_NAME])).size === 1;
  if (new Set(entries.map(({ digest }) => digest)).size === 1) return entries.slice(0, 1);
  return isOne && entries.every(({ platform }) => platform !== undefined) ? entries : null;
}

function isCalled(entry: Descriptor, index: number, tag: string): boolean {
  const { [REF_NAME]: name, [FULL_NAME]: full } = entry.annotations ?? {};
  if (tag === name || tag === full || tag === `@${index}`) return true;
  if (isDigest(tag.replace(/^@/, ''))) return entry.digest === tag.replace(/^@/, '');
  const wanted = fullNameOf(tag);
  return wanted !== null && [name, full].some((text) => text !== undefined && fullNameOf(text) === wanted);
}

function fullName({ annotations }: Descriptor): string | null {
  const name = annotations?.[FULL_NAME] ?? annotations?.[REF_NAME];
  return name !== undefined && !isShortName(name) ? fullNameOf(name) : null;
}

/** One name for several platforms, without an index of their own: it is made here. */
function indexOf(manifests: readonly Descriptor[]): SourceRoot {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  return { descriptor: { mediaType: OCI_INDEX, digest: digestOf(bytes), size: bytes.length }, bytes };
}
