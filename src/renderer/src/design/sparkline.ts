// SPDX-License-Identifier: MIT

const round = (value: number): number => Math.round(value * 100) / 100;

/**
 * The paths of a small plot: one unit of x a value, the latest at the right edge, the greatest at the top. Null for
 * fewer than two values, which make no line.
 * @param capacity values that fill the width; older ones are left out
 */
export function sparkline(
  values: readonly number[],
  capacity: number,
  height: number,
): { readonly line: string; readonly area: string } | null {
  const shown = values.slice(-capacity);
  if (shown.length < 2) return null;
  const most = Math.max(...shown);
  const start = capacity - shown.length;
  const points = shown.map((value, i) => {
    const y = most === 0 ? height - 1 : height - 1 - (value / most) * (height - 3);
    return `${start + i} ${round(y)}`;
  });
  const line = `M${points.join('L')}`;
  return { line, area: `${line}L${capacity - 1} ${height}L${start} ${height}Z` };
}
