// SPDX-License-Identifier: MIT
import { CONFLICT_RULES } from './option-conflicts';
import { LINUX_DEFAULTS, startingOptions } from './option-defaults';
import { COUNT_RULE, LAYER_RULES } from './option-layers';
import { NOTE_RULES } from './option-notes';
import type { RuleOutcome, RuleState } from './option-rule';
import type { ModuleDefaults, OptionFinding, OptionFix, OptionSubject, OptionVerdict } from './option-types';
import type { OptionValues } from './option-values';

const RULES = [COUNT_RULE, ...CONFLICT_RULES, ...LAYER_RULES, ...NOTE_RULES];

/**
 * What the kernel makes of a composition, as far as that can be told without the disk: the options that it really
 * runs with, and everything that it refuses, changes or ignores (semantics 5.2, 5.3). After an error the rules go
 * on, so that all conflicts show at once. Only fixes that end their finding and cause no new error are offered.
 */
export function judgeOptions(subject: OptionSubject, modules: ModuleDefaults = LINUX_DEFAULTS): OptionVerdict {
  const { effective, findings } = applyRules(subject, modules);
  const errors = errorsOf(findings);
  const helps = (rule: string, fix: OptionFix): boolean => {
    const after = applyRules({ ...subject, options: withFix(subject.options, fix) }, modules).findings;
    return after.every((finding) => finding.rule !== rule) && errorsOf(after).every((error) => errors.includes(error));
  };
  return {
    effective,
    findings: findings.map((finding) => ({
      ...finding,
      fixes: finding.fixes.filter((fix) => helps(finding.rule, fix)),
    })),
  };
}

/** The options after a fix was applied: null takes an option away. */
export function withFix(options: OptionValues, fix: OptionFix): OptionValues {
  return Object.fromEntries(Object.entries({ ...options, ...fix.set }).filter(([, value]) => value !== null));
}

function applyRules(subject: OptionSubject, modules: ModuleDefaults): OptionVerdict {
  const given = subject.options;
  let effective = startingOptions(given, modules, subject.upper !== null);
  const findings: OptionFinding[] = [];
  for (const { name, judge } of RULES) {
    const state: RuleState = { subject, given, modules, effective };
    const outcome = judge(state);
    if (!outcome) continue;
    findings.push(findingOf(name, outcome));
    effective = { ...effective, ...outcome.effective };
  }
  // Without an upper there is no index directory, whatever was asked for.
  return { effective: subject.upper ? effective : { ...effective, index: false }, findings };
}

function errorsOf(findings: readonly OptionFinding[]): string[] {
  return findings.filter(({ severity }) => severity === 'error').map(({ rule }) => rule);
}

function findingOf(rule: string, outcome: RuleOutcome): OptionFinding {
  return {
    rule,
    severity: outcome.severity,
    errno: outcome.errno ?? null,
    options: outcome.options ?? [],
    message: outcome.message,
    why: outcome.why,
    kernel: outcome.kernel ?? null,
    fixes: outcome.fixes ?? [],
  };
}
