// SPDX-License-Identifier: MIT
import * as v from 'valibot';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { DOCKER_LIST, DOCKER_MANIFEST, isIndexType, isManifestType, OCI_INDEX, OCI_MANIFEST } from './media-types';
import type { Descriptor } from './source';

/** More layers than any engine mounts; a bound for what an untrusted manifest may ask for. */
const MAX_LAYERS = 1024;
const MAX_MANIFESTS = 4096;

/** The digests that Lamina checks (OCI image-spec, descriptor.md "Registered algorithms"). */
export const digestSchema = v.pipe(
  v.string(),
  v.regex(/^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/, 'a sha256 or sha512 digest in lower case'),
);

const platformSchema = v.object({
  os: v.optional(v.string(), ''),
  architecture: v.optional(v.string(), ''),
  variant: v.optional(v.string()),
});

const descriptorSchema = v.object({
  mediaType: v.optional(v.string(), ''),
  digest: digestSchema,
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  platform: v.optional(platformSchema),
  annotations: v.optional(v.record(v.string(), v.string())),
});

const manifestSchema = v.object({
  schemaVersion: v.literal(2),
  config: descriptorSchema,
  layers: v.pipe(v.array(descriptorSchema), v.maxLength(MAX_LAYERS)),
});

const indexSchema = v.object({
  schemaVersion: v.literal(2),
  manifests: v.pipe(v.array(descriptorSchema), v.maxLength(MAX_MANIFESTS)),
});

/** An image manifest: its configuration and its layers, the lowest first. */
export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/**
 * What a manifest or index document is, by its own `mediaType`, by that of its descriptor, or by its fields: older
 * tools leave both out.
 * @throws Failure `invalid-manifest`
 */
export function manifestType(bytes: Buffer, descriptor: Pick<Descriptor, 'digest' | 'mediaType'>): string {
  const document = parseJson(bytes, `Manifest ${descriptor.digest}`);
  const { mediaType } = document;
  const said = typeof mediaType === 'string' ? mediaType : descriptor.mediaType;
  // A document that is two things at once means one to us and another to somebody else.
  if ('manifests' in document && 'layers' in document)
    throw invalid(`Manifest ${descriptor.digest}`, 'it has both “manifests” and “layers”');
  if ('manifests' in document) return isIndexType(said) ? said : OCI_INDEX;
  if (document['schemaVersion'] === 1 || 'fsLayers' in document)
    throw new Failure(
      'unsupported-manifest',
      `Manifest ${descriptor.digest} has Docker's schema 1, which names no configuration.`,
      'Push the image again with a Docker of 2017 or later, or convert it with skopeo copy --format v2s2.',
    );
  return isManifestType(said) ? said : OCI_MANIFEST;
}

/** Reads an image manifest. Throws a Failure `invalid-manifest` that names the field. */
export function parseManifest(bytes: Buffer, digest: Digest): Manifest {
  return checked(manifestSchema, bytes, `Manifest ${digest}`) as Manifest;
}

/** Reads an index: its manifests in their order. Throws a Failure `invalid-manifest` that names the field. */
export function parseIndex(bytes: Buffer, digest: Digest): readonly Descriptor[] {
  return checked(indexSchema, bytes, `Index ${digest}`).manifests as readonly Descriptor[];
}

/** Checks an untrusted JSON document. Throws a Failure `invalid-manifest` that names what it is and the field. */
export function checked<T>(schema: v.GenericSchema<unknown, T>, bytes: Buffer, what: string): T {
  const result = v.safeParse(schema, parseJson(bytes, what));
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw invalid(what, `${v.getDotPath(issue) ?? 'the document'}: ${issue.message}`);
}

function parseJson(bytes: Buffer, what: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid(what, 'it is not JSON');
  }
  if (typeof document !== 'object' || document === null) throw invalid(what, 'it is not a JSON object');
  return document as Record<string, unknown>;
}

const invalid = (what: string, reason: string): Failure =>
  new Failure('invalid-manifest', `${what} cannot be read: ${reason}.`, 'Have the image made or pushed again.');

/** Media types a registry is asked for, the most wanted first. */
export const MANIFEST_TYPES: readonly string[] = [OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST];
