// SPDX-License-Identifier: MIT

/** Values as the kernel spells them; a missing key means "not on the command line". */
export interface OptionValues {
  readonly metacopy?: 'on' | 'off';
  readonly redirect_dir?: 'on' | 'follow' | 'nofollow' | 'off';
  readonly volatile?: true;
  readonly index?: 'on' | 'off';
  readonly nfs_export?: 'on' | 'off';
  readonly xino?: 'on' | 'auto' | 'off';
  readonly userxattr?: true;
  readonly verity?: 'on' | 'require' | 'off';
  readonly uuid?: 'auto' | 'on' | 'off' | 'null';
  readonly fsync?: 'auto' | 'strict' | 'volatile';
  readonly default_permissions?: true;
}

export type OptionName = keyof OptionValues;
