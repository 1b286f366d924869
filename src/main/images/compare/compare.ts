// SPDX-License-Identifier: MIT
import type { CompareRow, CompareSummary } from '@shared/compare';
import { runSlices } from '../slices';
import { Comparison } from './comparison';
import type { Side } from './side';

/**
 * What differs between two trees, and nothing else: compositions, images, single layers. Contents are compared byte by
 * byte where the sizes are equal; directories that both sides have from the same layers are not walked.
 * @param onProgress the names looked at, at most ten times a second
 * @returns the changes in the order of a walk; they are made as they are asked for
 * @throws Failure or SystemError that names the path that cannot be read; the reason of `signal`
 */
export async function compare(
  left: Side,
  right: Side,
  signal: AbortSignal,
  onProgress: (names: number) => void = () => undefined,
): Promise<{ readonly summary: CompareSummary; readonly changes: Iterable<CompareRow> }> {
  const comparison = new Comparison(left, right);
  const work = comparison.run();
  try {
    await runSlices(work, signal, () => onProgress(comparison.names));
    const { tree, names } = comparison;
    return { summary: tree.summary(names), changes: tree.changes() };
  } finally {
    work.return(undefined);
    comparison.close();
  }
}
