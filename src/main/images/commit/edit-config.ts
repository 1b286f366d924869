// SPDX-License-Identifier: MIT
import type { Digest, Platform } from '@shared/images';

/** What is changed of an image's configuration; what is undefined stays as it is. */
export interface ConfigEdits {
  /** An empty list takes it away. */
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** `NAME=VALUE` sets, `NAME` alone takes away. */
  readonly environment?: readonly string[];
  readonly labels?: readonly string[];
  /** An empty text takes these away. */
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly author?: string;
}

/** One step of how an image came about (OCI image-spec, config.md "history"). */
export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** A configuration as it was read: what Lamina knows nothing of stays in it. */
export interface ConfigDocument {
  readonly created?: string;
  readonly author?: string;
  readonly config?: Readonly<Record<string, unknown>> | null;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[] | null;
  readonly [key: string]: unknown;
}

/** The configuration of an image without layers. */
export const emptyConfig = ({ os, architecture, variant }: Platform): ConfigDocument => ({
  architecture,
  os,
  ...(variant === undefined ? {} : { variant }),
  config: {},
  rootfs: { type: 'layers', diff_ids: [] },
  history: [],
});

/** The configuration with edits; of the history and the layers nothing is changed. */
export function withEdits(document: ConfigDocument, edits: ConfigEdits): ConfigDocument {
  const settings: Record<string, unknown> = { ...document.config };
  const set = (key: string, value: unknown): void => {
    if (value === undefined) return;
    const isEmpty = value === '' || (Array.isArray(value) && value.length === 0);
    if (isEmpty) delete settings[key];
    else settings[key] = value;
  };
  set('Entrypoint', edits.entrypoint);
  set('Cmd', edits.command);
  set('User', edits.user);
  set('WorkingDir', edits.workingDirectory);
  if (edits.environment) set('Env', withVariables((settings['Env'] ?? []) as string[], edits.environment));
  if (edits.labels) {
    const labels = withLabels((settings['Labels'] ?? {}) as Record<string, string>, edits.labels);
    set('Labels', Object.keys(labels).length === 0 ? '' : labels);
  }
  const { author: _, ...rest } = document;
  const author = edits.author ?? document.author ?? '';
  return { ...rest, ...(author === '' ? {} : { author }), config: settings };
}

const nameOf = (text: string): string => text.split('=', 1)[0]!;

/** A variable that is there keeps its place. */
function withVariables(before: readonly string[], edits: readonly string[]): string[] {
  const found = new Map(before.map((text) => [nameOf(text), text]));
  for (const text of edits) {
    if (text.includes('=')) found.set(nameOf(text), text);
    else found.delete(text);
  }
  return [...found.values()];
}

function withLabels(before: Readonly<Record<string, string>>, edits: readonly string[]): Record<string, string> {
  const found = new Map(Object.entries(before));
  for (const text of edits) {
    if (text.includes('=')) found.set(nameOf(text), text.slice(text.indexOf('=') + 1));
    else found.delete(text);
  }
  return Object.fromEntries(found);
}

/**
 * The configuration with other layers on top of its first ones: the history says where each came from. Steps whose
 * layers are replaced stay in it as ones that made none, so that it still tells how the image came about.
 * @param kept how many of the image's own layers stay, from the lowest
 * @param step the layer or change that is new, at its end
 */
export function withLayers(
  document: ConfigDocument,
  kept: number,
  added: readonly Digest[],
  step: HistoryEntry,
): ConfigDocument {
  const before = document.rootfs.diff_ids;
  const history: HistoryEntry[] = [];
  let seen = 0;
  for (const entry of document.history ?? []) {
    if (!entry.empty_layer) seen += 1;
    history.push(!entry.empty_layer && seen > kept ? { ...entry, empty_layer: true } : entry);
  }
  // Tools refuse an image with more layers than its history has (containers/image, "schema2 to schema1").
  for (let missing = Math.min(seen, kept); missing < kept; missing++) history.push({});
  const entries = added.length === 0 ? [{ ...step, empty_layer: true }] : added.map(() => step);
  return {
    ...document,
    ...(step.created === undefined ? {} : { created: step.created }),
    rootfs: { type: 'layers', diff_ids: [...before.slice(0, kept), ...added] },
    history: [...history, ...entries],
  };
}
