// SPDX-License-Identifier: MIT
import * as v from 'valibot';
import { Failure } from '@shared/failure';
import type { Digest, ImageConfig, Platform } from '@shared/images';
import { checked, digestSchema } from './manifest';

const strings = v.nullish(v.array(v.string()), []);
const text = v.nullish(v.string(), '');
const keys = v.nullish(v.record(v.string(), v.unknown()), {});

const schema = v.object({
  os: text,
  architecture: text,
  variant: v.nullish(v.string()),
  created: v.nullish(v.string()),
  author: text,
  config: v.nullish(
    v.object({
      Entrypoint: strings,
      Cmd: strings,
      Env: strings,
      WorkingDir: text,
      User: text,
      Labels: v.nullish(v.record(v.string(), v.string()), {}),
      ExposedPorts: keys,
      Volumes: keys,
    }),
  ),
  rootfs: v.object({ type: v.literal('layers'), diff_ids: v.array(digestSchema) }),
  history: v.nullish(v.array(v.object({ created_by: text, empty_layer: v.nullish(v.boolean(), false) })), []),
});

/** What Lamina reads of an image configuration (OCI image-spec, config.md; Docker's is a superset). */
export interface ParsedConfig {
  readonly platform: Platform;
  readonly created: string | null;
  readonly config: ImageConfig;
  /** Of its layers, the lowest first. */
  readonly diffIds: readonly Digest[];
  /** The command that made each layer; empty where the history does not say. */
  readonly createdBy: readonly string[];
}

/**
 * Reads a configuration.
 * @param layers how many layers the manifest has; the two must agree. Null where there is no manifest
 * @throws Failure `invalid-manifest`
 */
export function parseConfig(bytes: Buffer, digest: Digest, layers: number | null): ParsedConfig {
  const document = checked(schema, bytes, `Configuration ${digest}`);
  const diffIds = document.rootfs.diff_ids;
  if (layers !== null && diffIds.length !== layers) {
    throw new Failure(
      'invalid-manifest',
      `The manifest has ${layers} layers, its configuration ${digest} ${diffIds.length}.`,
      'Have the image made or pushed again.',
    );
  }
  const { config } = document;
  const commands = document.history.filter((entry) => !entry.empty_layer).map((entry) => entry.created_by);
  return {
    platform: {
      os: document.os || 'linux',
      architecture: document.architecture,
      ...(document.variant ? { variant: document.variant } : {}),
    },
    created: document.created ?? null,
    diffIds,
    createdBy: diffIds.map((_, i) => (commands.length === diffIds.length ? commands[i]! : '')),
    config: {
      entrypoint: config?.Entrypoint ?? [],
      command: config?.Cmd ?? [],
      environment: config?.Env ?? [],
      workingDirectory: config?.WorkingDir ?? '',
      user: config?.User ?? '',
      labels: config?.Labels ?? {},
      exposedPorts: Object.keys(config?.ExposedPorts ?? {}),
      volumes: Object.keys(config?.Volumes ?? {}),
      author: document.author,
    },
  };
}
