// SPDX-License-Identifier: MIT
import { remove, turnOff } from './option-rule';
import type { OptionRule } from './option-rule';

/** NFS export needs the index and excludes metacopy (semantics 5.2); a default of the module gives way. */
export const NFS_EXPORT_RULES: readonly OptionRule[] = [
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
];

const turnOffNfs = { label: 'Set nfs_export=off', set: { nfs_export: 'off' } } as const;
const setNofollow = { label: 'Set redirect_dir=nofollow', set: { redirect_dir: 'nofollow' } } as const;
