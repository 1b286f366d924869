// SPDX-License-Identifier: MIT
import type { EffectiveOptions, ModuleDefaults, OptionFinding, OptionFix, OptionSubject } from './option-types';
import type { OptionName, OptionValues } from './option-values';

/** What a rule looks at: what was asked for, and what the rules before it have made of that. */
export interface RuleState {
  readonly subject: OptionSubject;
  readonly given: OptionValues;
  readonly modules: ModuleDefaults;
  readonly effective: EffectiveOptions;
}

/** What a rule that applies says, and what it does to the options the kernel runs with. */
export interface RuleOutcome extends Pick<OptionFinding, 'severity' | 'message' | 'why'> {
  readonly errno?: string;
  readonly options?: readonly OptionName[];
  readonly kernel?: string;
  readonly fixes?: readonly OptionFix[];
  readonly effective?: Partial<EffectiveOptions>;
}

/** One row of the tables of semantics 5.2 and 5.3: null where it does not apply. */
export interface OptionRule {
  readonly name: string;
  readonly judge: (state: RuleState) => RuleOutcome | null;
}

type Switch = 'metacopy' | 'index' | 'nfs_export';

const MODULE_SWITCH = { metacopy: 'metacopy', index: 'index', nfs_export: 'nfsExport' } as const;

/** The fix that turns an on/off option off: by taking it away where the module's default is off. */
export function turnOff(state: RuleState, name: Switch): OptionFix {
  return state.modules[MODULE_SWITCH[name]]
    ? { label: `Set ${name}=off`, set: { [name]: 'off' } }
    : { label: `Remove ${name}=on`, set: { [name]: null } };
}

/** The fix that takes an option off the command line; `then` tells what the kernel makes of that. */
export function remove(name: OptionName, given: OptionValues, then?: string): OptionFix {
  const value = given[name];
  const shown = value === true ? name : `${name}=${value ?? ''}`;
  return { label: `Remove ${shown}${then ? ` (${then})` : ''}`, set: { [name]: null } };
}
