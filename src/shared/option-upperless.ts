// SPDX-License-Identifier: MIT
import { remove } from './option-rule';
import type { OptionRule } from './option-rule';

/** What is ignored or falls back where there is no upper layer (semantics 5.2). */
export const UPPERLESS_RULES: readonly OptionRule[] = [
  {
    name: 'index-without-upper',
    judge: ({ subject, given, effective }) =>
      subject.upper || !effective.index || given.index === undefined
        ? null
        : {
            severity: 'change',
            options: ['index'],
            message: 'index=on is ignored: there is no upper layer.',
            why: 'The index lives in the workdir and records what was copied up; without an upper nothing ever is.',
            kernel: 'option "index=on" is useless in a non-upper mount, ignore',
            fixes: [remove('index', given)],
          },
  },
  {
    name: 'volatile-without-upper',
    judge: ({ subject, given, effective }) =>
      subject.upper || effective.fsync !== 'volatile'
        ? null
        : {
            severity: 'change',
            options: given.fsync === 'volatile' ? ['fsync', 'volatile'] : ['volatile'],
            message: 'volatile is ignored: there is no upper layer.',
            why: 'It says that the upper is never synced to disk; without an upper nothing is written.',
            kernel: 'option "volatile" is meaningless in a non-upper mount, ignoring it.',
            fixes: [{ label: 'Remove volatile', set: { volatile: null, ...(given.fsync ? { fsync: null } : {}) } }],
            effective: { fsync: 'auto' },
          },
  },
  {
    name: 'uuid-on-without-upper',
    judge: ({ subject, given, effective }) =>
      subject.upper || effective.uuid !== 'on'
        ? null
        : {
            severity: 'change',
            options: ['uuid'],
            message: 'uuid=on becomes uuid=null: there is no upper layer.',
            why: 'The UUID is kept in an xattr of the root of the upper.',
            kernel: 'option "uuid=on" requires an upper fs, falling back to uuid=null.',
            fixes: [remove('uuid', given)],
            effective: { uuid: 'null' },
          },
  },
  {
    name: 'uuid-off-without-upper',
    judge: ({ subject, given, effective }) =>
      subject.upper || effective.uuid !== 'off'
        ? null
        : {
            severity: 'change',
            options: ['uuid'],
            message: 'uuid=off becomes uuid=null: there is no upper layer.',
            why: 'uuid=off takes the UUID of the one file system that holds all layers, the upper included.',
            kernel: 'The uuid=off requires a single fs for lower and upper, falling back to uuid=null.',
            fixes: [remove('uuid', given)],
            effective: { uuid: 'null' },
          },
  },
];
