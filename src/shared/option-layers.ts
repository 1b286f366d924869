// SPDX-License-Identifier: MIT
import { insidePair, samePair, touches } from './layer-places';
import type { OptionRule } from './option-rule';

const LIMIT = 500;

/** The kernel counts layers while it reads the options, before anything else (semantics 5.3). */
export const COUNT_RULE: OptionRule = {
  name: 'too-many-layers',
  judge: ({ subject: { lowers, data } }) =>
    lowers.length + data.length <= LIMIT
      ? null
      : {
          severity: 'error',
          errno: 'EINVAL',
          message: `${lowers.length + data.length} lower and data-only layers; the kernel takes ${LIMIT}.`,
          why: `Take ${lowers.length + data.length - LIMIT} layers away, or merge some into one directory.`,
          kernel: `too many lower directories, limit is ${LIMIT}`,
        },
};

/** Semantics 5.3 as far as it needs no disk, in the kernel's order. Paths are compared as text. */
export const LAYER_RULES: readonly OptionRule[] = [
  {
    name: 'no-lower',
    judge: ({ subject: { lowers, data } }) =>
      lowers.length + data.length > 0
        ? null
        : {
            severity: 'error',
            errno: 'EINVAL',
            message: 'There is no lower layer.',
            why: 'An overlay lies over at least one lower directory. Add one.',
            kernel: "missing 'lowerdir'",
          },
  },
  {
    name: 'no-workdir',
    judge: ({ subject: { upper } }) =>
      !upper || upper.workdir
        ? null
        : {
            severity: 'error',
            errno: 'EINVAL',
            message: 'The upper layer has no workdir.',
            why: 'The kernel builds new files there before it moves them into the upper. Choose an empty directory on the same mount as the upper.',
            kernel: "missing 'workdir'",
          },
  },
  {
    name: 'workdir-upper',
    judge: ({ subject: { upper } }) =>
      !upper?.workdir || !touches(upper.path, upper.workdir)
        ? null
        : {
            severity: 'error',
            errno: 'EINVAL',
            message: 'Upper and workdir are the same directory, or one lies inside the other.',
            why: 'They must be separate directories of one mount: put the workdir beside the upper.',
            kernel: 'workdir and upperdir must be separate subtrees',
          },
  },
  {
    name: 'one-lower',
    judge: ({ subject: { upper, lowers, data } }) =>
      upper || lowers.length !== 1 || data.length > 0
        ? null
        : {
            severity: 'error',
            errno: 'EINVAL',
            message: 'One lower layer alone is nothing to overlay.',
            why: 'Without an upper it takes two lower layers, or one and a data-only layer.',
            kernel: 'at least 2 lowerdir are needed while upperdir nonexistent',
          },
  },
  {
    name: 'only-data',
    judge: ({ subject: { upper, lowers, data } }) =>
      lowers.length > 0 || data.length === 0
        ? null
        : {
            severity: 'error',
            errno: 'EINVAL',
            message: 'There are only data-only layers.',
            why: 'Data-only layers are never listed; metacopy files of a regular lower layer point into them. Add a lower layer.',
            kernel:
              !upper && data.length === 1
                ? 'at least 2 lowerdir are needed while upperdir nonexistent'
                : 'at least one non-data lowerdir is required',
          },
  },
  {
    name: 'same-directory',
    judge: (state) => {
      const pair = samePair(state.subject);
      return (
        pair && {
          severity: 'error',
          errno: 'ELOOP',
          message: `${pair[0]} and ${pair[1]} are the same directory.`,
          why: 'Every directory can be in a stack once. Take one of the two away.',
          kernel: 'conflicting lowerdir path',
        }
      );
    },
  },
  {
    name: 'layer-inside-layer',
    judge: (state) => {
      const pair = insidePair(state.subject);
      return (
        pair && {
          severity: 'error',
          errno: 'ELOOP',
          message: `${pair[0]} lies inside ${pair[1]}.`,
          why: 'The same files would be in two layers. (An upper or workdir inside a lower layer is allowed, a lower inside anything is not.)',
          kernel: 'overlapping lowerdir path',
        }
      );
    },
  },
];
