// SPDX-License-Identifier: MIT
import type { OptionName } from './option-values';

/** One mount option as the composer offers it. */
export interface OptionSpec {
  readonly name: OptionName;
  /** `flag`: given or not; `choice`: `name=value`. */
  readonly kind: 'flag' | 'choice';
  /** The values of a choice as the kernel spells them; none for a flag. */
  readonly values: readonly string[];
  /** What the kernel does while the option is not given. */
  readonly default: string;
  readonly summary: string;
  /** The first kernel that knows the option, as `4.19`. */
  readonly since: string;
  /** What it costs or risks. */
  readonly cost: string;
  readonly group: 'changes' | 'identity' | 'durability' | 'trust';
}

/** Every option that a composition can hold, in the order in which the composer shows and commands give them. */
export const OPTION_SPECS: readonly OptionSpec[] = [
  {
    name: 'metacopy',
    kind: 'choice',
    values: ['on', 'off'],
    default: 'off: chmod or chown of a lower file copies all of its data up',
    summary:
      'Copy only the metadata up when owner, mode or times of a lower file change; needed to follow metacopy files.',
    since: '4.19',
    cost: 'Such an upper reads right only together with its lowers, and only while metacopy=on. Turns redirect_dir=on.',
    group: 'changes',
  },
  {
    name: 'redirect_dir',
    kind: 'choice',
    values: ['on', 'follow', 'nofollow', 'off'],
    default: 'follow: redirects are followed, none is written (renaming a lower directory gives EXDEV)',
    summary: 'Rename lower directories by writing a redirect; follow the redirects that layers hold.',
    since: '4.10',
    cost: 'Following redirects of a layer you do not trust lets it show any path of the layers below.',
    group: 'changes',
  },
  {
    name: 'volatile',
    kind: 'flag',
    values: [],
    default: 'not given: data that is copied up is synced to disk',
    summary: 'Never sync the upper. The same as fsync=volatile.',
    since: '5.10',
    cost: 'After a crash the upper may be damaged. The workdir stays marked and is refused by every later mount.',
    group: 'durability',
  },
  {
    name: 'fsync',
    kind: 'choice',
    values: ['auto', 'strict', 'volatile'],
    default: 'auto: data copy-up is synced, directories and metadata are not',
    summary: 'What is synced to disk at a copy-up: data only, everything, or nothing.',
    since: '6.18',
    cost: 'strict is slower; volatile as above. Only some 6.18 stable builds and later kernels know it.',
    group: 'durability',
  },
  {
    name: 'index',
    kind: 'choice',
    values: ['on', 'off'],
    default: 'off: a copy-up breaks hard links of the lower file',
    summary: 'Keep hard links together over a copy-up, by an index in the workdir.',
    since: '4.13',
    cost: 'Ties the upper to its lowers: with other or copied ones the mount fails (ESTALE), in use elsewhere too (EBUSY).',
    group: 'identity',
  },
  {
    name: 'nfs_export',
    kind: 'choice',
    values: ['on', 'off'],
    default: 'off: no file handles, the mount cannot be exported by NFS',
    summary: 'File handles that outlive a copy-up and a remount, so that the mount can be exported by NFS.',
    since: '4.16',
    cost: 'Indexes everything that is copied up. Turns index=on; not with metacopy.',
    group: 'identity',
  },
  {
    name: 'xino',
    kind: 'choice',
    values: ['on', 'auto', 'off'],
    default: 'off: with layers on several file systems st_dev differs and directory inode numbers change at a remount',
    summary: 'One st_dev and lasting inode numbers where the layers lie on several file systems.',
    since: '4.17',
    cost: 'Uses the high bits of inode numbers; some 32-bit programs cannot take those.',
    group: 'identity',
  },
  {
    name: 'uuid',
    kind: 'choice',
    values: ['auto', 'on', 'off', 'null'],
    default: 'auto: use the UUID of the upper, give a fresh upper one',
    summary: 'Where the file system id of the mount and of its file handles comes from.',
    since: '5.14',
    cost: 'Values other than off need Linux 6.6. off needs all layers on one file system.',
    group: 'identity',
  },
  {
    name: 'userxattr',
    kind: 'flag',
    values: [],
    default: 'not given: marks are read and written as trusted.overlay.*',
    summary: 'Keep marks in user.overlay.* instead of trusted.overlay.*: what a mount without root needs.',
    since: '5.11',
    cost: 'Marks that root wrote are not seen. No redirects, no metacopy.',
    group: 'trust',
  },
  {
    name: 'verity',
    kind: 'choice',
    values: ['on', 'require', 'off'],
    default: 'off: digests in metacopy files are not looked at',
    summary: 'Check data files against the fs-verity digest in their metacopy file; require: refuse those without one.',
    since: '6.6',
    cost: 'Data must lie on a file system with fs-verity; else every open of such a file gives EIO.',
    group: 'trust',
  },
  {
    name: 'default_permissions',
    kind: 'flag',
    values: [],
    default: 'not given',
    summary: 'Accepted and shown by the kernel.',
    since: '3.18',
    cost: 'Changes nothing today.',
    group: 'trust',
  },
];
