// SPDX-License-Identifier: MIT
import { remove, turnOff } from './option-rule';
import type { OptionRule } from './option-rule';

/**
 * Semantics 5.2, a row each, in the order in which the kernel goes through them; each sees what the ones before it
 * have changed. Where an option is only the module's default and not given, the kernel gives way instead of failing.
 */
export const CONFLICT_RULES: readonly OptionRule[] = [
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
  {
    name: 'nfs-export-follows',
    judge: ({ subject, effective }) =>
      !effective.nfsExport || subject.upper || effective.redirectDir === 'nofollow'
        ? null
        : {
            severity: 'change',
            options: ['nfs_export'],
            message: 'nfs_export=on is dropped: without an upper it needs redirect_dir=nofollow.',
            why:
              'A file handle is turned back into a file without a path. Renamed directories are then found through ' +
              'the index, and a mount without an upper has none.',
            kernel: 'NFS export requires "redirect_dir=nofollow" on non-upper mount, falling back to nfs_export=off.',
            fixes: [setNofollow, turnOffNfs],
            effective: { nfsExport: false },
          },
  },
  {
    name: 'nfs-export-index',
    judge: (state) =>
      !state.effective.nfsExport || state.given.index !== 'off' || !state.given.nfs_export
        ? null
        : {
            severity: 'error',
            errno: 'EINVAL',
            options: ['nfs_export', 'index'],
            message: 'nfs_export=on does not go with index=off.',
            why: 'File handles of what was copied up are turned back into files through the index.',
            kernel: 'conflicting options: nfs_export=on,index=off',
            fixes: [remove('index', state.given, 'nfs_export=on then turns it on'), turnOff(state, 'nfs_export')],
          },
  },
  {
    name: 'nfs-export-default-gives-way',
    judge: ({ given, effective }) =>
      !effective.nfsExport || given.index !== 'off' || given.nfs_export
        ? null
        : {
            severity: 'change',
            options: ['index'],
            message: 'index=off turns off nfs_export, which this machine has on by default.',
            why: 'Export needs the index; the kernel follows what was asked for, not its own default.',
            kernel: 'disabling nfs_export due to index=off',
            effective: { nfsExport: false },
          },
  },
  {
    name: 'nfs-export-sets-index',
    judge: ({ subject, given, effective }) =>
      !effective.nfsExport || effective.index || given.index || !subject.upper
        ? null
        : {
            severity: 'change',
            options: ['nfs_export'],
            message: 'nfs_export=on turns on index=on.',
            why: 'File handles of what was copied up are turned back into files through the index.',
            effective: { index: true },
          },
  },
  {
    name: 'nfs-export-metacopy',
    judge: (state) =>
      !state.effective.nfsExport || !state.effective.metacopy || !state.given.nfs_export || !state.given.metacopy
        ? null
        : {
            severity: 'error',
            errno: 'EINVAL',
            options: ['nfs_export', 'metacopy'],
            message: 'nfs_export=on does not go with metacopy=on.',
            why:
              'A file handle is turned back into a file without knowing its path. The data of a metacopy file can ' +
              'only be found by walking paths and redirects through the layers. So a handle would lead to metadata ' +
              'without data, and the kernel refuses the two together.',
            kernel: 'conflicting options: nfs_export=on,metacopy=on',
            fixes: [turnOff(state, 'nfs_export'), turnOff(state, 'metacopy')],
          },
  },
  {
    name: 'nfs-export-or-metacopy-default',
    judge: ({ given, effective }) => {
      if (!effective.nfsExport || !effective.metacopy || (given.nfs_export && given.metacopy)) return null;
      const [kept, dropped] = given.metacopy
        ? (['metacopy', 'nfs_export'] as const)
        : (['nfs_export', 'metacopy'] as const);
      return {
        severity: 'change',
        options: [kept],
        message: `${kept}=on turns off ${dropped}, which this machine has on by default.`,
        why: 'The two exclude each other; the kernel follows what was asked for, not its own default.',
        kernel: `disabling ${dropped} due to ${kept}=on`,
        effective: given.metacopy ? { nfsExport: false } : { metacopy: false },
      };
    },
  },
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

const turnOffNfs = { label: 'Set nfs_export=off', set: { nfs_export: 'off' } } as const;
const setNofollow = { label: 'Set redirect_dir=nofollow', set: { redirect_dir: 'nofollow' } } as const;
