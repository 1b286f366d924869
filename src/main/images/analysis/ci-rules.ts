// SPDX-License-Identifier: MIT
import type { Efficiency } from '@shared/analysis';
import { Failure } from '@shared/failure';
import { parseByteAmount } from './byte-amount';

/** dive's rules, by dive's names, each as its text; see `evaluateRules`. */
export interface CiThresholds {
  readonly lowestEfficiency: string;
  readonly highestWastedBytes: string;
  readonly highestUserWastedPercent: string;
}
export type CiRule = keyof CiThresholds;

export const CI_RULES = [
  'lowestEfficiency',
  'highestWastedBytes',
  'highestUserWastedPercent',
] as const satisfies readonly CiRule[];

/** What dive checks where nobody says anything else. */
export const DEFAULT_THRESHOLDS: CiThresholds = {
  lowestEfficiency: '0.9',
  highestWastedBytes: 'disabled',
  highestUserWastedPercent: '0.1',
};

export interface CiResult {
  readonly rule: CiRule;
  readonly status: 'pass' | 'fail' | 'skip';
  readonly threshold: string;
  /** Why it failed; empty else. */
  readonly message: string;
}

export interface CiEvaluation {
  readonly pass: boolean;
  readonly results: readonly CiResult[];
}

const OFF = new Set(['', 'disabled', 'off', 'false']);

/**
 * Judges an analysis as `dive --ci` does (ci/rules.go): a rule fails where the value is beyond its threshold, not where
 * it meets it. Without a layer above the lowest the percentage is no number, and passes.
 * @throws Failure that names a threshold that cannot be read
 */
export function evaluateRules(efficiency: Efficiency, thresholds: CiThresholds): CiEvaluation {
  const results = CI_RULES.map((rule): CiResult => {
    const threshold = thresholds[rule];
    if (OFF.has(threshold.trim().toLowerCase())) return { rule, status: 'skip', threshold, message: '' };
    const message = complaint(rule, efficiency, limitOf(rule, threshold));
    return { rule, status: message === '' ? 'pass' : 'fail', threshold, message };
  });
  return { pass: results.every(({ status }) => status !== 'fail'), results };
}

function complaint(rule: CiRule, { score, wastedBytes, userWastedPercent }: Efficiency, limit: number): string {
  switch (rule) {
    case 'lowestEfficiency':
      return limit > score ? `The efficiency is ${score.toFixed(4)}, below ${limit}.` : '';
    case 'highestWastedBytes':
      return wastedBytes > limit ? `${wastedBytes} bytes are wasted, more than ${limit}.` : '';
    case 'highestUserWastedPercent':
      return userWastedPercent > limit
        ? `Of the bytes above the lowest layer ${userWastedPercent.toFixed(4)} are wasted, more than ${limit}.`
        : '';
  }
}

function limitOf(rule: CiRule, text: string): number {
  const limit = rule === 'highestWastedBytes' ? (parseByteAmount(text) ?? NaN) : ratioOf(text);
  if (Number.isFinite(limit)) return limit;
  const meant = rule === 'highestWastedBytes' ? 'an amount of bytes, as 20MB' : 'a number from 0 to 1';
  throw new Failure('bad-threshold', `${rule}: “${text}” is not ${meant}.`, `Give ${meant}, or “disabled”.`);
}

function ratioOf(text: string): number {
  const ratio = text.trim() === '' ? NaN : Number(text);
  return ratio >= 0 && ratio <= 1 ? ratio : NaN;
}
