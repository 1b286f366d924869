// SPDX-License-Identifier: MIT

export { OPTION_SPECS } from './option-specs';
export type { OptionSpec } from './option-specs';
export { judgeOptions, withFix } from './option-rules';
export { LINUX_DEFAULTS } from './option-defaults';
export type * from './option-types';
export type * from './option-values';
