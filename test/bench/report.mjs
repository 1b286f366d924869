// SPDX-License-Identifier: MIT
// The results as text.
import { find } from './numbers.mjs';

/** Rows of cells, the first row being the head; columns that hold numbers (`right`) are aligned right. */
export function table(rows, right = () => false) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const pad = (cell, column) => (right(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]));
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

const times = (ratio) => (ratio === null ? '' : `${ratio.toFixed(2)}x`);

/** Whom the others are compared with, and who is not. */
const bases = [
  { name: 'kernel', head: '/kernel', field: 'toKernel', without: ['kernel'] },
  { name: 'fuse-overlayfs', head: '/fuse-ovl', field: 'toFuseOverlayfs', without: ['kernel', 'fuse-overlayfs'] },
];

/** Seconds of each contestant, with its ratio to the kernel and to fuse-overlayfs beside them. */
export function speedTable(results, contestants) {
  const ran = (name) => contestants.some((each) => each.name === name);
  const columns = contestants.flatMap(({ name }) => [
    { name, head: name, text: (cell) => cell.median.toFixed(3) },
    ...bases
      .filter((base) => ran(base.name) && !base.without.includes(name))
      .map(({ head, field }) => ({ name, head, text: (cell) => times(cell[field]) })),
  ]);
  const lines = new Map(results.map((each) => [`${each.case} ${each.phase}`, each]));
  const rows = [...lines.values()].map((line) => [
    line.case,
    line.phase,
    ...columns.map(({ name, text }) => {
      const cell = find(results, line.case, line.phase, name);
      return cell ? text(cell) : '-';
    }),
  ]);
  return table([['seconds', '', ...columns.map(({ head }) => head)], ...rows], (column) => column > 1);
}

/** Requests by opcode: `counted` holds `{ case, phase, contestant, requests }`. */
export function requestTable(counted) {
  const opcodes = [...new Set(counted.flatMap(({ requests }) => Object.keys(requests)))].sort();
  const rows = counted.map(({ case: name, phase, requests }) => [
    name,
    phase,
    String(Object.values(requests).reduce((sum, count) => sum + count, 0)),
    ...opcodes.map((opcode) => String(requests[opcode] ?? '')),
  ]);
  return table([['requests', '', 'all', ...opcodes], ...rows], (column) => column > 1);
}

export function memoryTable(memory) {
  const rows = Object.entries(memory).map(([name, bytes]) => [name, `${(bytes / 2 ** 20).toFixed(1)} MiB`]);
  return table([['server', 'peak RSS'], ...rows], (column) => column > 0);
}

export function verdictLines(verdicts) {
  return verdicts.map(({ title, verdict, missed }) => {
    const what = missed.map((miss) => `${miss.case} ${miss.phase} ${times(miss.ratio)}`).join(', ');
    return `${title}: ${verdict}${what ? ` (${what})` : ''}`;
  });
}

/** All of it. */
export function report({ image, machine, rounds, load, results, memory, requests, verdicts }, contestants) {
  const counted = contestants.filter(({ name }) => requests.some((each) => each.contestant === name));
  return [
    `Image ${image}; median of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, contestants in turn.`,
    `Linux ${machine.kernel}, ${machine.cpus} CPUs, Node ${machine.node}; load ${load.before} before, ${load.after} after.`,
    'The data of the layers is in the page cache. cold: a fresh mount after drop_caches=2; warm: the same again on it.',
    '',
    speedTable(results, contestants),
    ...(Object.keys(memory).length > 0 ? ['', memoryTable(memory)] : []),
    ...counted.flatMap(({ name, title }) => [
      '',
      `${title}:`,
      requestTable(requests.filter((each) => each.contestant === name)),
    ]),
    '',
    ...verdictLines(verdicts),
  ].join('\n');
}
