// SPDX-License-Identifier: MIT
import { remove, turnOff } from './option-rule';
import type { OptionRule } from './option-rule';

/** With user.overlay.* nobody’s redirects and metacopy files are believed (semantics 5.2). */
export const USERXATTR_RULES: readonly OptionRule[] = [
  {
    name: 'userxattr-redirect',
    judge: ({ given, effective }) =>
      !effective.userxattr || !given.redirect_dir || effective.redirectDir === 'nofollow'
        ? null
        : {
            severity: 'error',
            errno: 'EINVAL',
            options: ['userxattr', 'redirect_dir'],
            message: `userxattr does not go with redirect_dir=${given.redirect_dir}.`,
            why:
              'Whoever may write a layer may set user.overlay.redirect and so point at any path of the layers below; ' +
              'the kernel follows no redirects there. Only redirect_dir=nofollow, or none, is allowed.',
            kernel: `conflicting options: userxattr,redirect_dir=${effective.redirectDir}`,
            fixes: [remove('redirect_dir', given), remove('userxattr', given)],
          },
  },
  {
    name: 'userxattr-metacopy',
    judge: (state) =>
      !state.effective.userxattr || !state.effective.metacopy || !state.given.metacopy
        ? null
        : {
            severity: 'error',
            errno: 'EINVAL',
            options: ['userxattr', 'metacopy'],
            message: 'userxattr does not go with metacopy=on.',
            why:
              'Whoever may write a layer may set user.overlay.metacopy and so put one file’s owner and mode on ' +
              'another file’s data.',
            kernel: 'conflicting options: userxattr,metacopy=on',
            fixes: [turnOff(state, 'metacopy'), remove('userxattr', state.given)],
          },
  },
  {
    name: 'userxattr-nofollow',
    judge: ({ effective }) =>
      !effective.userxattr || (effective.redirectDir === 'nofollow' && !effective.metacopy)
        ? null
        : {
            severity: 'change',
            options: ['userxattr'],
            message: 'userxattr turns redirects and metacopy off (redirect_dir=nofollow).',
            why: 'With user.overlay.* anyone who may write a layer could set them.',
            effective: { redirectDir: 'nofollow', metacopy: false },
          },
  },
];
