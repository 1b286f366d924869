// SPDX-License-Identifier: MIT
import type { Composition } from './composition';
import type { OptionName } from './option-values';

/** What the mount really runs with, after defaults, automatic changes and fallbacks (semantics 5.1, 5.2). */
export interface EffectiveOptions {
  readonly metacopy: boolean;
  /** `nofollow`: no redirect is followed; `on`: also written, with an upper. */
  readonly redirectDir: 'on' | 'follow' | 'nofollow';
  readonly index: boolean;
  readonly nfsExport: boolean;
  readonly xino: 'on' | 'auto' | 'off';
  readonly userxattr: boolean;
  readonly verity: 'on' | 'require' | 'off';
  readonly uuid: 'auto' | 'on' | 'off' | 'null';
  readonly fsync: 'auto' | 'strict' | 'volatile';
}

/** A change of options that ends a conflict; null takes the option off the command line. */
export interface OptionFix {
  readonly label: string;
  readonly set: Readonly<Partial<Record<OptionName, string | true | null>>>;
}

export interface OptionFinding {
  /** Stable name of the rule, as `metacopy-nofollow`. */
  readonly rule: string;
  /** `error`: the kernel refuses the mount; `change`: it mounts, but alters an option; `note`: worth knowing. */
  readonly severity: 'error' | 'change' | 'note';
  /** The errno name that mount(2) gives, for errors. */
  readonly errno: string | null;
  readonly options: readonly OptionName[];
  readonly message: string;
  readonly why: string;
  /** What the kernel logs then, without the `overlayfs: ` before it; null where it says nothing. */
  readonly kernel: string | null;
  readonly fixes: readonly OptionFix[];
}

/** The defaults that a mount starts from, as `/sys/module/overlay/parameters/` holds them (semantics 5.1). */
export interface ModuleDefaults {
  readonly redirectDir: boolean;
  readonly redirectAlwaysFollow: boolean;
  readonly index: boolean;
  readonly nfsExport: boolean;
  readonly xinoAuto: boolean;
  readonly metacopy: boolean;
}

/** `findings` are in the order in which the kernel checks: its errno is that of the first error. */
export interface OptionVerdict {
  readonly effective: EffectiveOptions;
  readonly findings: readonly OptionFinding[];
}

/** What of a composition the option rules look at. */
export type OptionSubject = Pick<Composition, 'upper' | 'lowers' | 'data' | 'options'>;
