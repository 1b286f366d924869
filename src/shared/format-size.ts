// SPDX-License-Identifier: MIT

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** SI sizes with at most three figures: `0 B`, `31 kB`, `1.3 MB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const figures = unit > 0 && value < 9.95 ? value.toFixed(1) : value.toFixed(0);
  return `${figures} ${UNITS[unit] ?? ''}`;
}
