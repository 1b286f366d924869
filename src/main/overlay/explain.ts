// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { Explanation, FileKind, LadderStep, XattrInfo } from '@shared/view';
import { SystemError } from '../system/libc';
import { getXattrAt } from '../system/xattr';
import { isMerged, pathOf, realsOf, topOf, type Entry } from './entry';
import { dataOf, locateData, readLink } from './file-data';
import { decodeXattr } from './decode-xattr';
import { ladderOf, type ToldLookup } from './ladder';
import { letterIn } from './letter';
import { lookup } from './lookup';
import { entryRow, kindOf } from './rows';
import type { OverlayStack } from './stack';
import { newTrace } from './trace';
import { visibleName } from './xattr-names';

/**
 * Why a name is what it is, or why it is not there. The lookup is done again with its record kept: what is told is
 * what the mount does.
 * @param node the number of the row, where the name is visible
 */
export function explainName(stack: OverlayStack, parent: Entry, name: ByteString, node: number): Explanation {
  const trace = newTrace();
  let entry: Entry | null = null;
  let errno: string | null = null;
  try {
    entry = lookup(stack, parent, name, trace);
    locateData(stack, entry);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    errno = error.code;
  }
  const told: ToldLookup = { stack, parent, name, entry, trace };
  const base = pathOf(parent);
  const ladder = ladderOf(told);
  return {
    path: display(base === '/' ? `/${name}` : `${base}/${name}`),
    visible: entry !== null,
    errno,
    summary: entry ? summaryOf(stack, entry) : absenceOf(told, errno!, ladder),
    row: entry ? entryRow(stack, node, entry) : null,
    linkTarget: entry && kindOf(topOf(entry).stat) === 'symlink' ? display(readLink(stack, entry)) : null,
    ladder,
    xattrs: entry ? xattrsOf(stack, entry) : [],
  };
}

/** The root of the tree: all roots merge, whatever their marks (semantics 1.1). */
export function explainRoot(stack: OverlayStack): Explanation {
  const { root } = stack;
  const used = new Set(realsOf(root).map(({ layer }) => layer));
  return {
    path: '/',
    visible: true,
    errno: null,
    summary: `The root of ${realsOf(root).length} merged layers.`,
    row: entryRow(stack, 0, root),
    linkTarget: null,
    ladder: stack.layers.map((layer) => ({
      layer: layer.index,
      role: used.has(layer) ? 'merged' : 'not-searched',
      path: '/',
      kind: 'directory',
      size: null,
      marks: [],
      reason: used.has(layer) ? 'layer roots always merge' : 'data-only layers are never merged',
    })),
    xattrs: xattrsOf(stack, root),
  };
}

const KIND_NAMES: Readonly<Record<FileKind, string>> = {
  file: 'File',
  directory: 'Directory',
  symlink: 'Symlink',
  char: 'Character device',
  block: 'Block device',
  fifo: 'Fifo',
  socket: 'Socket',
};

function summaryOf(stack: OverlayStack, entry: Entry): string {
  const top = topOf(entry);
  const kind = kindOf(top.stat);
  const from = letterIn(stack, top.layer);
  if (kind === 'directory') {
    const letters = realsOf(entry)
      .map(({ layer }) => letterIn(stack, layer))
      .join(', ');
    return isMerged(entry) ? `Directory merged from ${letters}.` : `Directory from ${from} alone.`;
  }
  if (!entry.metacopy) return `${KIND_NAMES[kind]} from ${from}.`;
  if (entry.lazyData === null) return `Metadata from ${from}, data from ${letterIn(stack, dataOf(entry)!.layer)}.`;
  const found = entry.foundData;
  if (found) return `Metadata from ${from}, data from data-only layer ${letterIn(stack, found.layer)}.`;
  return `Metadata from ${from}; no data-only layer has ${display(entry.lazyData)}: open gives ENOENT.`;
}

function absenceOf({ stack, parent, trace }: ToldLookup, errno: string, ladder: readonly LadderStep[]): string {
  const last = trace.probes.at(-1);
  if (last?.outcome === 'whiteout')
    return `Not visible: a whiteout in ${letterIn(stack, last.layer)} removes the name.`;
  if (errno === 'ENOENT') {
    const hidden = ladder.find(({ role }) => role === 'hidden');
    if (!hidden) return 'Not visible: no layer that is merged here has the name.';
    return `Not visible: ${letterIn(stack, stack.layers[hidden.layer]!)} has it, but ${mergeEnd(stack, parent)}.`;
  }
  if (last?.outcome === 'error')
    return `stat gives ${errno}: ${letterIn(stack, last.layer)} refuses ${display(last.path)}.`;
  return `stat gives ${errno}: ${trace.refusal?.reason ?? 'the lookup failed'}.`;
}

/** What ended the merge of a directory, or of the nearest directory above it where something did. */
function mergeEnd(stack: OverlayStack, directory: Entry): string {
  for (let entry = directory; entry.parent; entry = entry.parent) {
    const trace = newTrace();
    lookup(stack, entry.parent, entry.name, trace);
    const last = trace.probes.at(-1);
    if (!last) continue;
    const where = `${display(pathOf(entry))} in ${letterIn(stack, last.layer)}`;
    if (last.opaque === 'y') return `the directory ${where} is opaque`;
    if (last.outcome === 'whiteout') return `a whiteout of ${where} ends the merge above it`;
    if (last.outcome === 'stops') return `${where} is not a directory and ends the merge above it`;
  }
  return `${display(pathOf(directory))} is not merged there`;
}

/** Attributes of every object that takes part, as stored; private ones are marked. */
function xattrsOf(stack: OverlayStack, entry: Entry): XattrInfo[] {
  return realsOf(entry).flatMap((real) =>
    real.xattrs.map((name) => {
      const value = getXattrAt(stack.directories.fdOf(real.parent), real.name, name);
      return {
        name: display(name),
        layer: real.layer.index,
        value: typeof value === 'string' ? decodeXattr(name, value) : 'cannot be read',
        private: visibleName(name, stack.names) === null,
      };
    }),
  );
}
