// SPDX-License-Identifier: MIT
import { arch } from 'node:process';
import { Failure } from '@shared/failure';
import type { Digest, Platform } from '@shared/images';
import { checkedBytes } from './checked-bytes';
import { manifestType, parseIndex } from './manifest';
import { isIndexType } from './media-types';
import type { Descriptor, ImageSource, SourceRoot } from './source';

/** Go's names (GOARCH), which images use, for Node's. */
const ARCHITECTURES: Readonly<Record<string, Omit<Platform, 'os'>>> = {
  x64: { architecture: 'amd64' },
  arm64: { architecture: 'arm64', variant: 'v8' },
  arm: { architecture: 'arm', variant: 'v7' },
  ia32: { architecture: '386' },
  ppc64: { architecture: 'ppc64le' },
};

/** The platform of this machine. */
export const hostPlatform = (): Platform => ({ os: 'linux', ...(ARCHITECTURES[arch] ?? { architecture: arch }) });

/** Reads `OS/ARCHITECTURE[/VARIANT]`. Throws a Failure `invalid-platform`. */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...more] = text.split('/');
  if (!os || !architecture || variant === '' || more.length > 0) {
    throw new Failure(
      'invalid-platform',
      `“${text}” is not a platform.`,
      'Write OS/ARCHITECTURE[/VARIANT]: linux/arm64/v8.',
    );
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** `linux/arm64/v8`. */
export const printPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');

/** Deeper than any index of use; digests make circles impossible only where they are checked. */
const MAX_DEPTH = 5;

/** What an index has for other purposes than to be run: signatures and attestations name no real platform. */
const isReal = ({ platform }: Descriptor): boolean =>
  platform !== undefined && platform.os !== 'unknown' && platform.os !== '';

/**
 * The manifest of one platform: the root itself where it is a manifest, else what its index, and the indexes in that,
 * have for the platform. The exact variant is taken first, then an entry without one, then the next earlier.
 * @throws Failure `no-platform` that lists what there is, `invalid-manifest` for an index that leads nowhere
 */
export async function chooseManifest(
  source: ImageSource,
  root: SourceRoot,
  wanted: Platform,
  signal: AbortSignal,
): Promise<SourceRoot> {
  if (!isIndexType(manifestType(root.bytes, root.descriptor))) return root;
  const entries: Descriptor[] = [];
  await collect(source, root, [], entries, signal);
  if (entries.length === 0) {
    throw new Failure(
      'invalid-manifest',
      `The index ${root.descriptor.digest} of ${source.notation} names no image.`,
      'Have it made or pushed again.',
    );
  }
  const best = pick(entries, wanted);
  if (!best) throw noPlatform(source, entries, wanted);
  return { descriptor: best, bytes: await checkedBytes(source, best, signal) };
}

/**
 * The platforms that a source has an image for, none where its root is one image that does not say. Throws as
 * `chooseManifest`.
 */
export async function platformsIn(source: ImageSource, root: SourceRoot, signal: AbortSignal): Promise<Platform[]> {
  if (!isIndexType(manifestType(root.bytes, root.descriptor))) return [];
  const entries: Descriptor[] = [];
  await collect(source, root, [], entries, signal);
  return entries.filter(isReal).map(({ platform }) => platform!);
}

async function collect(
  source: ImageSource,
  index: SourceRoot,
  above: readonly Digest[],
  into: Descriptor[],
  signal: AbortSignal,
): Promise<void> {
  const { digest } = index.descriptor;
  if (above.includes(digest) || above.length >= MAX_DEPTH) {
    const reason = above.includes(digest) ? 'leads back to itself' : `is deeper than ${MAX_DEPTH} indexes`;
    throw new Failure(
      'invalid-manifest',
      `The index ${digest} of ${source.notation} ${reason}.`,
      'Have it made again.',
    );
  }
  for (const entry of parseIndex(index.bytes, digest)) {
    if (!isIndexType(entry.mediaType)) {
      into.push(entry);
      continue;
    }
    const bytes = await checkedBytes(source, entry, signal);
    await collect(source, { descriptor: entry, bytes }, [...above, digest], into, signal);
  }
}

function pick(entries: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const real = entries.filter(isReal);
  // One entry without a platform, as umoci writes it: the configuration says what it is.
  if (real.length === 0) return entries.length === 1 ? entries[0] : undefined;
  const fitting = real.filter(
    ({ platform }) => platform!.os === wanted.os && platform!.architecture === wanted.architecture,
  );
  const exact =
    fitting.find(({ platform }) => platform!.variant === wanted.variant) ??
    fitting.find(({ platform }) => platform!.variant === undefined);
  if (exact || wanted.variant === undefined) return exact ?? fitting[0];
  // A processor runs what was built for an earlier variant of it, not for a later one.
  const earlier = fitting.filter(({ platform }) => platform!.variant! < wanted.variant!);
  return earlier.sort((a, b) => (a.platform!.variant! < b.platform!.variant! ? 1 : -1))[0];
}

function noPlatform(source: ImageSource, entries: readonly Descriptor[], wanted: Platform): Failure {
  const real = entries.filter(isReal).map(({ platform }) => printPlatform(platform!));
  return new Failure(
    'no-platform',
    `${source.notation} has no image for ${printPlatform(wanted)}.`,
    real.length > 0
      ? `It has ${[...new Set(real)].join(', ')}: choose one of these platforms.`
      : `It has ${entries.length} images that say no platform: choose one by its tag or digest.`,
  );
}
