// SPDX-License-Identifier: MIT
// From samples to medians and ratios.

/** The middle one, or the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const ratio = (value, base) => (value === undefined || !base ? null : value / base);

/**
 * @param samples `{ case, phase, contestant, seconds }`, one for each run
 * @returns one for each case, phase and contestant, in the order of their first samples: all its seconds, the median,
 *   and that median as a multiple of the kernel's and of fuse-overlayfs's, null where these did not run
 */
export function summarise(samples) {
  const groups = new Map();
  for (const { seconds, ...who } of samples) {
    const key = JSON.stringify([who.case, who.phase, who.contestant]);
    if (!groups.has(key)) groups.set(key, { ...who, seconds: [] });
    groups.get(key).seconds.push(seconds);
  }
  const results = [...groups.values()].map((group) => ({ ...group, median: median(group.seconds) }));
  const medianOf = (contestant, { case: name, phase }) => find(results, name, phase, contestant)?.median;
  return results.map((result) => ({
    ...result,
    toKernel: ratio(result.median, medianOf('kernel', result)),
    toFuseOverlayfs: ratio(result.median, medianOf('fuse-overlayfs', result)),
  }));
}

export const find = (results, name, phase, contestant) =>
  results.find((each) => each.case === name && each.phase === phase && each.contestant === contestant);

/** What was asked between two looks at a server's counters. */
export function difference(before, after) {
  const counts = Object.entries(after).map(([opcode, count]) => [opcode, count - (before[opcode] ?? 0)]);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
