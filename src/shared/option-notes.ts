// SPDX-License-Identifier: MIT
import { places } from './layer-places';
import { remove } from './option-rule';
import type { OptionRule } from './option-rule';

/** What a mount that succeeds may still surprise with; told after all that the kernel itself says. */
export const NOTE_RULES: readonly OptionRule[] = [
  {
    // Semantics 5.1: repeated options, the last one wins.
    name: 'volatile-fsync',
    judge: ({ given }) =>
      !given.volatile || !given.fsync || given.fsync === 'volatile'
        ? null
        : {
            severity: 'note',
            options: ['volatile', 'fsync'],
            message: `volatile and fsync=${given.fsync} are given both; fsync=${given.fsync} comes last and wins.`,
            why: 'volatile is another spelling of fsync=volatile.',
            fixes: [remove('volatile', given), remove('fsync', given)],
          },
  },
  {
    // Semantics 5.1.
    name: 'redirect-off-follows',
    judge: ({ given, effective }) =>
      given.redirect_dir !== 'off' || effective.redirectDir === 'nofollow'
        ? null
        : {
            severity: 'note',
            options: ['redirect_dir'],
            message: 'redirect_dir=off still follows the redirects that layers hold.',
            why: 'It only stops writing new ones, because redirect_always_follow is on. nofollow stops both.',
            fixes: [{ label: 'Set redirect_dir=nofollow', set: { redirect_dir: 'nofollow' } }],
          },
  },
  {
    // Semantics 2.6: the policy check runs before the layers below are probed.
    name: 'data-last-lower-only',
    judge: ({ subject, effective, given }) =>
      subject.data.length === 0 || subject.lowers.length < 2 || effective.metacopy || given.metacopy === 'on'
        ? null
        : {
            severity: 'note',
            options: effective.userxattr ? ['userxattr'] : ['metacopy'],
            message: 'Only metacopy files in the last lower layer can take their data from the data-only layers.',
            why:
              (effective.userxattr ? 'With userxattr' : 'Without metacopy=on') +
              ' metacopy files in the lowers above it give EPERM: the kernel refuses to go on before it has probed the layer below.',
            fixes: [{ label: 'Set metacopy=on', set: { metacopy: 'on' } }],
          },
  },
  {
    // Semantics 2.6 (read).
    name: 'data-needs-6.16',
    judge: ({ subject, effective, given }) =>
      subject.data.length === 0 || effective.metacopy || given.metacopy === 'on'
        ? null
        : {
            severity: 'note',
            options: ['metacopy'],
            message: 'Kernels before 6.16 refuse data-only layers without metacopy=on.',
            why: 'Newer ones serve them without it.',
          },
  },
  {
    // Semantics 5.2, the verity row (read).
    name: 'verity-older-kernels',
    judge: ({ effective }) =>
      effective.verity === 'off' || effective.metacopy
        ? null
        : {
            severity: 'note',
            options: ['verity'],
            message: `verity=${effective.verity} without metacopy=on mounts on recent kernels only.`,
            why: 'Older ones turn metacopy on by themselves, or refuse the mount (EINVAL) where metacopy is off or impossible.',
          },
  },
  {
    // Semantics 6.
    name: 'volatile-marker',
    judge: ({ effective }) =>
      effective.fsync !== 'volatile'
        ? null
        : {
            severity: 'note',
            options: ['volatile'],
            message: 'A volatile mount marks its workdir for good: no later mount takes that workdir (EINVAL).',
            why: 'The upper may be incomplete after a crash. Delete work/incompat/volatile in the workdir to accept that, or use a new workdir.',
          },
  },
  {
    // Semantics 1.1: only one namespace is consulted per mount.
    name: 'userxattr-trusted-marks',
    judge: ({ effective }) =>
      !effective.userxattr
        ? null
        : {
            severity: 'note',
            options: ['userxattr'],
            message: 'Marks that a mount without userxattr wrote (trusted.overlay.*) are not seen.',
            why: 'Directories that were opaque there show what lies below again. Char 0:0 whiteouts work in both.',
          },
  },
  {
    // Semantics 2.8.
    name: 'upper-inside-lower',
    judge: ({ subject }) => {
      const all = places(subject);
      const lowers = all.filter(({ lower }) => lower);
      const inner = all.find(({ lower, path }) => !lower && lowers.some((outer) => path.startsWith(`${outer.path}/`)));
      return (
        (inner && {
          severity: 'note',
          message: `${inner.name[0]?.toUpperCase() ?? ''}${inner.name.slice(1)} lies inside a lower layer.`,
          why: 'It mounts, but there the merged view lists a directory that gives ELOOP when it is opened.',
        }) ??
        null
      );
    },
  },
];
