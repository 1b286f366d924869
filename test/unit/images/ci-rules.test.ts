// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Efficiency } from '@shared/analysis';
import { parseByteAmount } from '../../../src/main/images/analysis/byte-amount';
import { parseCiFile } from '../../../src/main/images/analysis/ci-file';
import { DEFAULT_THRESHOLDS, evaluateRules } from '../../../src/main/images/analysis/ci-rules';

/** The numbers of dive's own test image. */
const efficiency: Efficiency = {
  score: 0.9844212134184309,
  sizeBytes: 1220598,
  userBytes: 66237,
  wastedBytes: 32025,
  userWastedPercent: 0.4834911001404049,
};
const statuses = (thresholds: Partial<typeof DEFAULT_THRESHOLDS>): string[] =>
  evaluateRules(efficiency, { ...DEFAULT_THRESHOLDS, ...thresholds }).results.map(({ status }) => status);

describe('the rules of dive --ci', () => {
  it('checks the efficiency and the wasted part unless told otherwise', () => {
    expect(statuses({})).toEqual(['pass', 'skip', 'fail']);
    expect(evaluateRules(efficiency, DEFAULT_THRESHOLDS).pass).toBe(false);
  });

  it('passes a value that meets its threshold', () => {
    const thresholds = {
      lowestEfficiency: '0.9844212134184309',
      highestWastedBytes: '32025',
      highestUserWastedPercent: '0.4834911001404049',
    };
    expect(statuses(thresholds)).toEqual(['pass', 'pass', 'pass']);
    expect(statuses({ ...thresholds, highestWastedBytes: '32024B' })).toEqual(['pass', 'fail', 'pass']);
  });

  it('skips what is off', () => {
    expect(statuses({ lowestEfficiency: 'Off', highestWastedBytes: '', highestUserWastedPercent: ' false ' })).toEqual([
      'skip',
      'skip',
      'skip',
    ]);
  });

  it('passes an image of one layer, where nothing can be wasted', () => {
    const one = { ...efficiency, score: 1, userBytes: 0, wastedBytes: 0, userWastedPercent: NaN };
    expect(evaluateRules(one, DEFAULT_THRESHOLDS).pass).toBe(true);
  });

  it.each([
    [{ lowestEfficiency: '1.1' }, /lowestEfficiency: “1.1” is not a number from 0 to 1/],
    [{ highestWastedBytes: 'much' }, /highestWastedBytes: “much” is not an amount of bytes/],
    [{ highestUserWastedPercent: '10%' }, /highestUserWastedPercent: “10%”/],
  ])('refuses %j', (thresholds, message) => {
    expect(() => statuses(thresholds)).toThrow(message);
  });
});

describe('an amount of bytes', () => {
  it.each([
    ['0', 0],
    ['42', 42],
    ['42 B', 42],
    ['20Mb', 20_000_000],
    ['20 MB', 20_000_000],
    ['1.5k', 1500],
    ['1KiB', 1024],
    ['2gib', 2 ** 31],
    ['1,005.03 MB', 1_005_030_000],
  ])('%s', (text, bytes) => {
    expect(parseByteAmount(text)).toBe(bytes);
  });

  it.each(['', 'x', '12 ib', '1 zb', '-5', '1..2'])('%j is none', (text) => {
    expect(parseByteAmount(text)).toBeNull();
  });
});

describe('a .dive-ci file', () => {
  it('is read as dive reads it, comments, plugins and all', () => {
    const text =
      'plugins:\n  - plugin1\nrules:\n  # comment\n  lowestEfficiency: 0.95\n  highestWastedBytes: 20Mb\n  plugin1/rule1: error\n';
    expect(parseCiFile(text, 'f')).toEqual({
      lowestEfficiency: '0.95',
      highestWastedBytes: '20Mb',
      highestUserWastedPercent: '0.1',
    });
  });

  it('may be empty', () => {
    expect(parseCiFile('', 'f')).toEqual(DEFAULT_THRESHOLDS);
    expect(parseCiFile('rules:\n', 'f')).toEqual(DEFAULT_THRESHOLDS);
  });

  it.each(['rules: [', '- a', 'rules: 3', 'rules:\n  lowestEfficiency: [1]'])('refuses %j by name', (text) => {
    expect(() => parseCiFile(text, 'my-rules')).toThrow(/^my-rules: /);
  });
});
