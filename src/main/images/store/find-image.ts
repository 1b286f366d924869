// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { Digest, Image } from '@shared/images';
import { isShortName, parseImageName, printImageName, withDefaultTag } from '../image-name';

/** Fewer digits name too much. */
const MIN_ID = 4;

/**
 * The image that a person means: by its name, by the end of its name where only one has it, by digest or by the first
 * digits of its id.
 * @param roots for `NAME@DIGEST`: the digests that an image's name stood for where it came from
 * @throws Failure `no-image`, or `ambiguous-image` that lists them
 */
export function findImage(images: readonly Image[], text: string, roots: (image: Image) => Digest): Image {
  const found = byName(images, text, roots) ?? byId(images, text);
  const [first, ...others] = found;
  if (first && others.length === 0) return first;
  if (first) {
    const list = found.map(({ references, digest }) => references[0] ?? digest).join(', ');
    throw new Failure(
      'ambiguous-image',
      `“${display(text)}” names several images: ${list}.`,
      'Write the full name or digest of one.',
    );
  }
  throw new Failure(
    'no-image',
    `The image store has no image “${display(text)}”.`,
    'lamina image ls lists the images that it has.',
  );
}

function byName(images: readonly Image[], text: string, roots: (image: Image) => Digest): readonly Image[] | null {
  let name;
  try {
    name = withDefaultTag(parseImageName(text));
  } catch {
    return null;
  }
  const { digest } = name;
  const plain = printImageName({ ...name, digest: null });
  if (digest !== null) {
    const sameRepository = (reference: string): boolean => reference.startsWith(`${plain.replace(/:[^/]*$/, '')}:`);
    return images.filter(
      (image) => (image.digest === digest || roots(image) === digest) && image.references.some(sameRepository),
    );
  }
  const exact = images.filter(({ references }) => references.includes(plain));
  if (exact.length > 0 || !isShortName(text)) return exact.length > 0 ? exact : null;
  // The registry is left out: that is no guess as long as one image alone is called so.
  const end = `/${text}${/:[^/]*$/.test(text) ? '' : ':latest'}`;
  const ending = images.filter(({ references }) => references.some((reference) => reference.endsWith(end)));
  return ending.length > 0 ? ending : null;
}

function byId(images: readonly Image[], text: string): readonly Image[] {
  const isWhole = text.includes(':');
  if (!isWhole && (text.length < MIN_ID || !/^[a-f0-9]+$/.test(text))) return [];
  const has = (digest: Digest): boolean =>
    isWhole ? digest === text : digest.slice(digest.indexOf(':') + 1).startsWith(text);
  const byManifest = images.filter(({ digest }) => has(digest));
  return byManifest.length > 0 ? byManifest : images.filter(({ id }) => has(id));
}
