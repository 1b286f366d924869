// SPDX-License-Identifier: MIT
import { CONFLICT_RULES } from './option-conflicts';
import { LINUX_DEFAULTS, startingOptions } from './option-defaults';
import { COUNT_RULE, LAYER_RULES } from './option-layers';
import { NOTE_RULES } from './option-notes';
import type { RuleOutcome, RuleState } from './option-rule';
import type { ModuleDefaults, OptionFinding, OptionSubject, OptionVerdict } from './options';

const RULES = [COUNT_RULE, ...CONFLICT_RULES, ...LAYER_RULES, ...NOTE_RULES];

/**
 * What the kernel makes of a composition, as far as that can be told without the disk: the options that it really
 * runs with, and everything that it refuses, changes or ignores (semantics 5.2, 5.3). After an error the rules go
 * on, so that all conflicts show at once.
 */
export function judgeOptions(subject: OptionSubject, modules: ModuleDefaults = LINUX_DEFAULTS): OptionVerdict {
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
