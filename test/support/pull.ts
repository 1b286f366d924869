// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Descriptor, ImageDestination, ImageSource } from '../../src/main/images/source';

/** The digest of a blob as it comes from a source. */
export async function pulledDigest(source: ImageSource, blob: Descriptor, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of await source.open(blob, 0, signal)) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

/** Pulls all of an image, every platform of it, and expects each blob to be what its digest says. Counts the blobs. */
export async function pullAll(source: ImageSource, signal: AbortSignal): Promise<number> {
  let blobs = 0;
  const visit = async (bytes: Buffer): Promise<void> => {
    const { manifests, config, layers } = JSON.parse(bytes.toString('utf8')) as Record<string, Descriptor[]> & {
      config: Descriptor;
    };
    for (const child of manifests ?? []) await visit(await source.read(child, signal));
    if (!layers) return;
    for (const blob of [config, ...layers]) {
      expect(await pulledDigest(source, blob, signal)).toBe(blob.digest);
      blobs += 1;
    }
  };
  const { bytes, descriptor } = await source.root(signal);
  expect(descriptor.digest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  await visit(bytes);
  return blobs;
}

/** Pushes an image of an OCI layout, blobs first, then what names them. Returns the digests that were sent. */
export async function pushAll(
  layout: string,
  root: Descriptor,
  destination: ImageDestination,
  signal: AbortSignal,
): Promise<string[]> {
  const sent: string[] = [];
  const file = ({ digest }: Descriptor): Buffer => readFileSync(join(layout, 'blobs', digest.replace(':', '/')));
  const put = async (blob: Descriptor): Promise<void> => {
    if (await destination.has(blob, signal)) return;
    await destination.put(
      blob,
      async (offset) => pieces(file(blob).subarray(offset)),
      () => undefined,
      signal,
    );
    sent.push(blob.digest);
  };
  const visit = async (manifest: Descriptor, top: boolean): Promise<void> => {
    const { manifests, config, layers } = JSON.parse(file(manifest).toString('utf8')) as Record<
      string,
      Descriptor[]
    > & {
      config: Descriptor;
    };
    for (const child of manifests ?? []) await visit(child, false);
    for (const blob of layers ? [config, ...layers] : []) await put(blob);
    if (top) await destination.finish(manifest, file(manifest), signal);
    else await put(manifest);
  };
  await visit(root, true);
  return sent;
}

/** Bytes in the pieces that a file is read in. */
export async function* pieces(bytes: Buffer, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
