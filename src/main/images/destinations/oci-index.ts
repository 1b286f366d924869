// SPDX-License-Identifier: MIT
import { OCI_INDEX } from '../media-types';
import type { Descriptor } from '../source';

/** The name of an image in a layout (OCI image-spec, annotations.md). */
const REF_NAME = 'org.opencontainers.image.ref.name';

/** The file that says that a folder is a layout, in the version that all tools know (image-layout.md). */
export const LAYOUT_FILE = 'oci-layout';
export const LAYOUT_TEXT = '{"imageLayoutVersion":"1.0.0"}';
export const INDEX_FILE = 'index.json';

/** What we keep of an index as it was, and what we change of it. */
interface IndexDocument {
  readonly manifests?: readonly Descriptor[];
  readonly [key: string]: unknown;
}

/**
 * The text of a layout's index with one image more. Its name is taken from the image that had it; an image without a
 * name takes the place of the same one without a name.
 * @param before the text so far, null for a new layout; throws a SyntaxError where it is not JSON
 */
export function withImage(before: string | null, descriptor: Descriptor, tag: string | null): string {
  const document = (before === null ? {} : JSON.parse(before)) as IndexDocument;
  const entry: Descriptor = {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    ...(descriptor.platform ? { platform: descriptor.platform } : {}),
    ...(tag === null ? {} : { annotations: { [REF_NAME]: tag } }),
  };
  const nameOf = ({ annotations }: Descriptor): string | null => annotations?.[REF_NAME] ?? null;
  const others = (document.manifests ?? []).filter((each) =>
    tag === null ? each.digest !== entry.digest || nameOf(each) !== null : nameOf(each) !== tag,
  );
  return JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, ...document, manifests: [...others, entry] });
}
