// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { judge } from '../bench/goals.mjs';
import { difference, median, summarise } from '../bench/numbers.mjs';
import { requestTable, speedTable, table, verdictLines } from '../bench/report.mjs';

const sample = (name: string, phase: string, contestant: string, seconds: number) => ({
  case: name,
  phase,
  contestant,
  seconds,
});

/** A run of one case with everything at one second, and `direct` as given. */
const run = (name: string, cold: number, warm: number) =>
  ['kernel', 'fuse-overlayfs'].flatMap((contestant) => [
    sample(name, 'cold', contestant, 1),
    sample(name, 'warm', contestant, 1),
    sample(name, 'cold', 'direct', cold),
    sample(name, 'warm', 'direct', warm),
  ]);

describe('numbers', () => {
  test.each([
    [[3, 1, 20], 3],
    [[4, 1, 2, 30], 3],
    [[7], 7],
  ])('the median of %j is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });
  test('ratios are those of the medians', () => {
    const results = summarise([
      ...[1, 2, 9].map((seconds) => sample('find', 'cold', 'kernel', seconds)),
      ...[4, 4, 5].map((seconds) => sample('find', 'cold', 'fuse-overlayfs', seconds)),
      ...[3, 6, 6].map((seconds) => sample('find', 'cold', 'direct', seconds)),
    ]);
    expect(results[2]).toMatchObject({ seconds: [3, 6, 6], median: 6, toKernel: 3, toFuseOverlayfs: 1.5 });
  });
  test('there is no ratio to who did not run', () => {
    expect(summarise([sample('find', 'warm', 'direct', 1)])[0]).toMatchObject({
      toKernel: null,
      toFuseOverlayfs: null,
    });
  });
  test('requests are what came between two looks', () => {
    expect(difference({ LOOKUP: 2, OPEN: 1 }, { LOOKUP: 5, OPEN: 1, READ: 3 })).toEqual({ LOOKUP: 3, READ: 3 });
  });
});

describe('goals', () => {
  const verdicts = (samples: object[]) => judge(summarise(samples)).map(({ verdict }: { verdict: string }) => verdict);

  /** Cases that write, with fuse-overlayfs at one second. */
  const writing = (kernel: number, direct: number): object[] =>
    ['seq-write', 'rand-write'].flatMap((name) => [
      sample(name, 'write', 'kernel', kernel),
      sample(name, 'write', 'fuse-overlayfs', 1),
      sample(name, 'write', 'direct', direct),
    ]);

  test('are met', () => {
    const all = [...run('read', 1, 1), ...run('stat', 1, 1), ...writing(0.5, 0.6)];
    expect(verdicts(all)).toEqual(['met', 'met', 'met', 'met', 'met']);
  });
  test('of writing: near the kernel, and well before fuse-overlayfs', () => {
    expect(verdicts(writing(0.5, 0.9)).slice(3)).toEqual(['missed', 'missed']);
  });
  test('are missed, and what misses them is named', () => {
    const missed = judge(summarise([...run('read', 1, 1.2), ...run('stat', 1, 1.6)]));
    expect(verdictLines(missed)).toEqual([
      'direct: no case slower than fuse-overlayfs: missed (read warm 1.20x, stat warm 1.60x)',
      'direct: sequential read within 10 % of the kernel: missed (read warm 1.20x)',
      'direct: warm stat within 1.5x of the kernel: missed (stat warm 1.60x)',
      'direct: writes within 25 % of the kernel where passthrough applies: not measured',
      'direct: writing 1.5 times faster than fuse-overlayfs (geometric mean): not measured',
    ]);
  });
  test('are left open by a run without the case or the contestant', () => {
    const open = 'not measured';
    expect(verdicts(run('stat', 1, 1))).toEqual(['met', open, 'met', open, open]);
    expect(verdicts([sample('read', 'cold', 'direct', 1)])).toEqual([open, open, open, open, open]);
  });
});

describe('tables', () => {
  test('align numbers right', () => {
    const rows = [
      ['name', 'n'],
      ['a', '100'],
    ];
    expect(table(rows, (column: number) => column > 0)).toBe('name    n\na     100');
  });
  test('show seconds and ratios, and who did not run', () => {
    const results = summarise([sample('find', 'cold', 'kernel', 0.5), sample('find', 'cold', 'direct', 1)]);
    const text = speedTable(
      results,
      ['kernel', 'fuse-overlayfs', 'direct'].map((name) => ({ name })),
    );
    expect(text.split('\n')[1].split(/ +/)).toEqual(['find', 'cold', '0.500', '-', '-', '1.000', '2.00x']);
  });
  test('add up the requests', () => {
    const text = requestTable([{ case: 'find', phase: 'cold', requests: { READDIR: 3, LOOKUP: 4 } }]);
    expect(text.split('\n').map((line: string) => line.split(/ +/))).toEqual([
      ['requests', 'all', 'LOOKUP', 'READDIR'],
      ['find', 'cold', '7', '4', '3'],
    ]);
  });
});
