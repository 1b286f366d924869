// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { inUserNamespace, isFullRoot } from '../../system/privilege';

/**
 * In which form layers are unpacked; the files of one tar differ by it. `real`: true owners, overlay attributes in
 * `trusted`; `mapped`: true owners of a user namespace, attributes in `user`; `recorded`: all files are the user's own,
 * their owners recorded in an attribute, overlay attributes in `user`.
 */
export type LayerForm = 'real' | 'mapped' | 'recorded';

export const LAYER_FORMS: readonly LayerForm[] = ['real', 'mapped', 'recorded'];

/** What a form means to the unpacking. */
export const FORM_RULES: Readonly<
  Record<LayerForm, { readonly names: 'trusted' | 'user'; readonly owners: 'real' | 'recorded' }>
> = {
  real: { names: 'trusted', owners: 'real' },
  mapped: { names: 'user', owners: 'real' },
  recorded: { names: 'user', owners: 'recorded' },
};

/** The form that this process can write. */
export function formHere(): LayerForm {
  if (isFullRoot()) return 'real';
  return inUserNamespace() && process.getuid?.() === 0 && hasManyIds() ? 'mapped' : 'recorded';
}

/** Whether the user namespace has more ids than the one of who made it: newuidmap(1) gave it a range. */
function hasManyIds(): boolean {
  const counts = (file: string): number =>
    readFileSync(file, 'latin1')
      .trim()
      .split('\n')
      .reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2]), 0);
  return counts('/proc/self/uid_map') > 1 && counts('/proc/self/gid_map') > 1;
}
