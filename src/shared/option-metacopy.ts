// SPDX-License-Identifier: MIT
import { remove, turnOff } from './option-rule';
import type { OptionRule } from './option-rule';

/** Metacopy needs redirects (semantics 5.2); a default of the module gives way to what is asked for. */
export const METACOPY_RULES: readonly OptionRule[] = [
  {
    name: 'metacopy-redirect',
    judge: (state) => {
      const { given, effective } = state;
      return !effective.metacopy || effective.redirectDir === 'on' || !given.metacopy || !given.redirect_dir
        ? null
        : {
            severity: 'error',
            errno: 'EINVAL',
            options: ['metacopy', 'redirect_dir'],
            message: `metacopy=on does not go with redirect_dir=${given.redirect_dir}.`,
            why:
              'A metacopy file finds its data through redirects once it is renamed, so they must be followed and, ' +
              'with an upper, written.',
            kernel: `conflicting options: metacopy=on,redirect_dir=${effective.redirectDir}`,
            fixes: [remove('redirect_dir', given, 'metacopy=on then turns it on'), turnOff(state, 'metacopy')],
          };
    },
  },
  {
    name: 'metacopy-default-gives-way',
    judge: ({ given, effective }) =>
      !effective.metacopy || effective.redirectDir === 'on' || given.metacopy || !given.redirect_dir
        ? null
        : {
            severity: 'change',
            options: ['redirect_dir'],
            message: `redirect_dir=${given.redirect_dir} turns off metacopy, which this machine has on by default.`,
            why: 'Metacopy needs redirects; the kernel follows what was asked for, not its own default.',
            kernel: `disabling metacopy due to redirect_dir=${effective.redirectDir}`,
            effective: { metacopy: false },
          },
  },
  {
    name: 'metacopy-sets-redirect',
    judge: ({ given, effective }) =>
      !effective.metacopy || effective.redirectDir === 'on' || given.redirect_dir
        ? null
        : {
            severity: 'change',
            options: ['metacopy'],
            message: 'metacopy=on turns on redirect_dir=on.',
            why: 'A metacopy file that is renamed is tied to its data by a redirect.',
            effective: { redirectDir: 'on' },
          },
  },
];
