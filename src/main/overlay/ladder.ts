// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { LadderRole, LadderStep } from '@shared/view';
import type { Layer } from '../layers/layer';
import type { Stat } from '../system/stat';
import { capturedRedirect, dataFile } from './capture';
import { pathOf, realsOf, topOf, type Entry } from './entry';
import { dataOf } from './file-data';
import { rawObject, shadowedDirectories } from './hidden';
import { letterIn } from './letter';
import { kindOf } from './rows';
import type { OverlayStack } from './stack';
import type { Probe, Trace } from './trace';

/** A lookup to be told: what was looked for, what came of it, and its record. */
export interface ToldLookup {
  readonly stack: OverlayStack;
  readonly parent: Entry;
  readonly name: ByteString;
  /** Null where the lookup failed. */
  readonly entry: Entry | null;
  readonly trace: Trace;
}

const childPath = (directory: ByteString, name: ByteString): ByteString =>
  directory === '/' ? `/${name}` : `${directory}/${name}`;

/** Every layer's part in a lookup, in lookup order: what was found there and why the search went on or stopped. */
export function ladderOf(told: ToldLookup): LadderStep[] {
  return told.stack.layers.map((layer) => (layer.lane === 'data' ? dataStep(told, layer) : mergedStep(told, layer)));
}

function mergedStep(told: ToldLookup, layer: Layer): LadderStep {
  const probes = told.trace.probes.filter((probe) => probe.layer === layer);
  const last = probes.at(-1);
  return last ? probedStep(told, layer, last) : unaskedStep(told, layer);
}

function step(layer: Layer, role: LadderRole, path: ByteString, reason: string, probe?: Probe): LadderStep {
  const stat = probe?.real?.stat;
  return {
    layer: layer.index,
    role,
    path: display(path),
    kind: stat ? kindOf(stat) : null,
    size: stat && kindOf(stat) === 'file' ? stat.size : null,
    marks: probe ? marksOf(probe) : [],
    reason,
  };
}

function marksOf({ metacopy, redirect, opaque }: Probe): string[] {
  const marks: string[] = [];
  if (metacopy) marks.push('metacopy');
  if (redirect !== null) marks.push(`redirect=${display(redirect)}`);
  if (opaque) marks.push(`opaque=${opaque}`);
  return marks;
}

function probedStep(told: ToldLookup, layer: Layer, probe: Probe): LadderStep {
  const { path, outcome, real } = probe;
  switch (outcome) {
    case 'absent':
      return step(layer, 'absent', path, 'not found; the search goes on');
    case 'whiteout':
      return step(layer, 'whiteout', path, 'whiteout: the name ends here, whatever lies below', probe);
    case 'stops': {
      const kind = real ? kindOf(real.stat) : 'object';
      const wanted = probe.metacopy ? 'a metacopy needs a regular file' : 'only a directory can merge here';
      return step(layer, 'stops', path, `${kind} in the way: ${wanted}; the search stops`, probe);
    }
    case 'error':
      return step(layer, 'error', path, `${probe.errno}: the lookup is given up`, probe);
    default:
      return foundStep(told, layer, probe);
  }
}

function foundStep({ entry, trace }: ToldLookup, layer: Layer, probe: Probe): LadderStep {
  const { path, real } = probe;
  if (!entry || !real) {
    const reason = trace.refusal ? `${trace.refusal.errno}: ${trace.refusal.reason}` : 'found, but the lookup failed';
    return step(layer, 'error', path, reason, probe);
  }
  if (real.directory) return directoryStep(entry, layer, probe);
  if (topOf(entry) === real) {
    const next = entry.metacopy ? 'the data are looked for below' : 'the search stops';
    return step(
      layer,
      entry.metacopy ? 'metadata' : 'both',
      path,
      `metadata${entry.metacopy ? '' : ' and data'} from here; ${next}`,
      probe,
    );
  }
  if (dataOf(entry) === real) return step(layer, 'data', path, 'data from here', probe);
  return step(layer, 'passed', path, 'metacopy in the chain: only its redirect counts', probe);
}

function directoryStep(entry: Entry, layer: Layer, probe: Probe): LadderStep {
  const kept = realsOf(entry).some((real) => real === probe.real);
  if (!kept)
    return step(layer, 'passed', probe.path, 'directory on the way of the redirect; nothing behind it here', probe);
  const merged = realsOf(entry).length > 1;
  const reason = probe.opaque === 'y' ? 'opaque: nothing below merges' : merged ? 'merged' : 'the only component';
  return step(layer, merged ? 'merged' : 'both', probe.path, reason, probe);
}

/** A layer that the lookup never came to: because it stopped above, or because the directory does not merge here. */
function unaskedStep(told: ToldLookup, layer: Layer): LadderStep {
  const { stack, parent, name, trace } = told;
  const redirect = trace.probes.findLast((probe) => probe.redirect?.startsWith('/'))?.redirect;
  if (redirect) return step(layer, 'not-searched', redirect, `not searched: ${stopReason(told)}`);
  const component = realsOf(parent).find((real) => real.layer === layer);
  const directory = component?.directory ?? shadowedDirectories(stack, parent).find((found) => found.layer === layer);
  if (!directory) return step(layer, 'absent', childPath(pathOf(parent), name), 'the directory is not in this layer');
  const path = childPath(directory.path, name);
  const object = rawObject(stack, directory, name);
  const why = component ? stopReason(told) : `${display(pathOf(parent))} is not merged here`;
  if (!object) return step(layer, 'not-searched', path, `not searched: ${why}; nothing is here`);
  return withObject(step(layer, 'hidden', path, `hidden: ${why}`), object.stat);
}

const withObject = (rung: LadderStep, stat: Stat): LadderStep => ({
  ...rung,
  kind: kindOf(stat),
  size: kindOf(stat) === 'file' ? stat.size : null,
});

function stopReason({ stack, trace }: ToldLookup): string {
  const last = trace.probes.at(-1);
  if (trace.refusal && trace.refusal.errno !== 'ENOENT') return `the lookup ended with ${trace.refusal.errno}`;
  if (!last) return 'the search never came here';
  const letter = letterIn(stack, last.layer);
  if (last.outcome === 'whiteout') return `the whiteout in ${letter} ends the search`;
  if (last.opaque === 'y') return `the opaque directory in ${letter} ends the search`;
  return `what ${letter} has ends the search`;
}

/** Data-only layers are asked at the first open, in order, for the path of an absolute redirect (semantics 2.6). */
function dataStep(told: ToldLookup, layer: Layer): LadderStep {
  const { entry } = told;
  if (!entry || entry.lazyData === null) return unaskedData(told, layer);
  const found = entry.foundData;
  if (found?.layer === layer) {
    return withObject(step(layer, 'data', entry.lazyData, 'data from here, looked up on open'), found.stat);
  }
  if (found && found.layer.index < layer.index) {
    return step(layer, 'not-searched', entry.lazyData, `not asked: found in ${letterIn(told.stack, found.layer)}`);
  }
  return step(layer, 'absent', entry.lazyData, 'no regular file at this path');
}

/** A data-only layer that plays no part; or that would, had a regular lower not captured the redirect (2.7). */
function unaskedData({ stack, entry }: ToldLookup, layer: Layer): LadderStep {
  const redirect = entry ? capturedRedirect(stack, entry) : null;
  const stat = redirect === null ? null : dataFile(layer, redirect);
  if (redirect === null || !stat) {
    return step(layer, 'not-searched', '', 'not asked: only a metacopy with an absolute redirect leads here');
  }
  const captor = letterIn(stack, dataOf(entry!)!.layer);
  return withObject(
    step(layer, 'hidden', redirect, `hidden: ${captor} captures the redirect that was meant for this file`),
    stat,
  );
}
