// SPDX-License-Identifier: MIT
// What Lamina's direct transport is to reach, mounted by root.
import { find } from './numbers.mjs';
import { phases, writePhase } from './cases.mjs';

const both = (results, name) => phases.map((phase) => find(results, name, phase, 'direct'));

export const goals = [
  {
    title: 'direct: no case slower than fuse-overlayfs',
    field: 'toFuseOverlayfs',
    most: 1,
    pick: (results) => results.filter((each) => each.contestant === 'direct'),
  },
  {
    title: 'direct: sequential read within 10 % of the kernel',
    field: 'toKernel',
    most: 1.1,
    pick: (results) => both(results, 'read'),
  },
  {
    title: 'direct: warm stat within 1.5x of the kernel',
    field: 'toKernel',
    most: 1.5,
    pick: (results) => [find(results, 'stat', 'warm', 'direct')],
  },
  {
    title: 'direct: writes within 25 % of the kernel where passthrough applies',
    field: 'toKernel',
    most: 1.25,
    pick: (results) => ['seq-write', 'rand-write'].map((name) => find(results, name, writePhase, 'direct')),
  },
  {
    title: 'direct: writing 1.5 times faster than fuse-overlayfs (geometric mean)',
    field: 'toFuseOverlayfs',
    most: 1 / 1.5,
    pick: (results) =>
      geometricMean(results.filter((each) => each.phase === writePhase && each.contestant === 'direct')),
  },
];

/** One result that stands for all. */
function geometricMean(results) {
  if (results.length === 0 || results.some(({ toFuseOverlayfs }) => toFuseOverlayfs === null)) return [];
  const sum = results.reduce((total, { toFuseOverlayfs }) => total + Math.log(toFuseOverlayfs), 0);
  return [{ case: 'mean', phase: writePhase, toFuseOverlayfs: Math.exp(sum / results.length) }];
}

/** A goal is "met", "missed" with what misses it, or "not measured" where a part of it did not run. */
export function judge(results) {
  return goals.map(({ title, field, most, pick }) => {
    const parts = pick(results);
    const measured = parts.length > 0 && parts.every((part) => part !== undefined && part[field] !== null);
    if (!measured) return { title, verdict: 'not measured', missed: [] };
    const missed = parts
      .filter((part) => part[field] > most)
      .map((part) => ({ case: part.case, phase: part.phase, ratio: part[field] }));
    return { title, verdict: missed.length === 0 ? 'met' : 'missed', missed };
  });
}
