// SPDX-License-Identifier: MIT
import { mkdirSync } from 'node:fs';
import { bytesOf } from '@shared/bytes';
import { DEFAULT_LIMITS } from '../../src/main/images/unpack/limits';
import { unpackLayer, type UnpackedLayer, type UnpackTarget } from '../../src/main/images/unpack/unpack-layer';
import { rebuildTar } from '../../src/main/images/tar-split/rebuild';
import { allOf, streamOf } from './tar-bytes';

/** A layer unpacked below a folder of the test's. */
export interface Unpacked {
  readonly folder: string;
  readonly tarSplit: string;
  readonly layer: UnpackedLayer;
}

export const never = new AbortController().signal;

/** Unpacks a blob into `FOLDER/NAME`, beside its record `FOLDER/NAME.tar-split.gz`. */
export async function unpack(
  blob: Buffer | AsyncIterable<Uint8Array>,
  folder: string,
  name = 'layer',
  options: Partial<UnpackTarget> = {},
): Promise<Unpacked> {
  const target = `${folder}/${name}`;
  const tarSplit = `${target}.tar-split.gz`;
  mkdirSync(target);
  const layer = await unpackLayer(
    Buffer.isBuffer(blob) ? streamOf(blob) : blob,
    {
      layer: 'sha256:test',
      folder: bytesOf(target),
      tarSplit: bytesOf(tarSplit),
      names: 'trusted',
      owners: 'real',
      limits: DEFAULT_LIMITS,
      ...options,
    },
    never,
    () => undefined,
  );
  return { folder: target, tarSplit, layer };
}

/** The tar that is made of an unpacked layer and its record. */
export const rebuilt = ({
  folder,
  tarSplit,
}: {
  readonly folder: string;
  readonly tarSplit: string;
}): Promise<Buffer> => allOf(rebuildTar(bytesOf(folder), bytesOf(tarSplit), never));
