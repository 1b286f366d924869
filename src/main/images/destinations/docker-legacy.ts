// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import type { Digest } from '@shared/images';

/** A layer as Docker before 1.10 has it: a folder of its own, which names its parent. */
export interface LegacyLayer {
  readonly id: string;
  /** Of `ID/json`. */
  readonly json: string;
  readonly diffId: Digest;
}

/** Docker's fields that are in the folder of the topmost layer alone (image spec v1, "Image JSON Description"). */
interface Config {
  readonly created?: unknown;
  readonly architecture?: unknown;
  readonly os?: unknown;
  readonly config?: unknown;
}

const EPOCH = '1970-01-01T00:00:00Z';

/**
 * The layers of an image as `repositories` and the folders of a docker-archive name them, the lowest first. The ids
 * depend on nothing but the layers and, at the top, the configuration.
 */
export function legacyLayers(diffIds: readonly Digest[], configText: string): LegacyLayer[] {
  const config = JSON.parse(configText) as Config;
  const layers: LegacyLayer[] = [];
  for (const [i, diffId] of diffIds.entries()) {
    const parent = layers.at(-1)?.id;
    const isTop = i === diffIds.length - 1;
    const id = createHash('sha256')
      .update(`${diffId} ${parent ?? ''} ${isTop ? configText : ''}`)
      .digest('hex');
    const { created, architecture, os, config: settings } = config;
    const fields = {
      id,
      ...(parent === undefined ? {} : { parent }),
      created: isTop ? (created ?? EPOCH) : EPOCH,
      ...(isTop ? { architecture, os, config: settings } : { container_config: { Cmd: [''] } }),
    };
    layers.push({ id, json: JSON.stringify(fields), diffId });
  }
  return layers;
}
