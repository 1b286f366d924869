// SPDX-License-Identifier: MIT
import { METACOPY_RULES } from './option-metacopy';
import { NFS_EXPORT_RULES } from './option-nfs-export';
import type { OptionRule } from './option-rule';
import { UPPERLESS_RULES } from './option-upperless';
import { USERXATTR_RULES } from './option-userxattr';

/**
 * Semantics 5.2, a rule for each row, in the order in which the kernel goes through them; each sees what the ones
 * before it have changed. Where an option is only the module's default and not given, the kernel gives way instead
 * of failing.
 */
export const CONFLICT_RULES: readonly OptionRule[] = [
  ...UPPERLESS_RULES,
  ...METACOPY_RULES,
  ...NFS_EXPORT_RULES,
  ...USERXATTR_RULES,
];
