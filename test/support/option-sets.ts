// SPDX-License-Identifier: MIT
import type { EngineOptions } from '@shared/lamina-options';

/** What the kernel is told, and what the engine is told for it. */
export interface OptionSet {
  readonly kernel: readonly string[];
  readonly engine: EngineOptions;
}

/** The options that a lookup depends on, in the combinations that the kernel accepts. */
export const OPTION_SETS: readonly OptionSet[] = [
  { kernel: [], engine: { metacopy: false, redirectDir: 'follow', userxattr: false } },
  { kernel: ['metacopy=on'], engine: { metacopy: true, redirectDir: 'on', userxattr: false } },
  { kernel: ['redirect_dir=nofollow'], engine: { metacopy: false, redirectDir: 'nofollow', userxattr: false } },
  { kernel: ['redirect_dir=on'], engine: { metacopy: false, redirectDir: 'on', userxattr: false } },
  { kernel: ['userxattr'], engine: { metacopy: false, redirectDir: 'nofollow', userxattr: true } },
];
