// SPDX-License-Identifier: MIT
import type { OwnerRules } from './owner-rules';
import { judgeOptions, type EffectiveOptions, type OptionFinding, type OptionSubject } from './options';

/** What Lamina's own lookup needs of the options. */
export interface EngineOptions extends Pick<EffectiveOptions, 'metacopy' | 'redirectDir' | 'userxattr'> {
  readonly whiteouts?: WhiteoutForm;
  /** Owners shown in place of the stored ones. */
  readonly owners?: OwnerRules;
  /** Directories have one link, whatever their layer says (`static_nlink`). */
  readonly staticLinks?: boolean;
  /** ACLs are attributes that nobody looks at (`noacl`). */
  readonly noAcl?: boolean;
}

/**
 * How layers say that a name is removed: in the kernel's own forms alone, or also in that of OCI image layers, as
 * `.wh.NAME` beside it. An option of Lamina's own, `whiteouts=`; the kernel's overlayfs has none like it.
 */
export type WhiteoutForm = 'kernel' | 'oci';

/**
 * The options as Lamina's engine takes them: the kernel's effective ones, except that a stack with `user.overlay.*`
 * attributes may follow redirects and metacopies where the user says so. The kernel refuses that (semantics 5.2),
 * because it may serve layers that others wrote; `judgeOptions` says so, and Lamina's mount has the rights of whoever
 * made it.
 */
export function engineOptions(subject: OptionSubject): EngineOptions {
  const { effective } = judgeOptions(subject);
  const { userxattr, metacopy, redirect_dir: asked } = subject.options;
  const { redirectDir } = effective;
  if (!userxattr) return { metacopy: effective.metacopy, redirectDir, userxattr: false };
  const follows = metacopy === 'on' || asked === 'on' || asked === 'follow';
  return { metacopy: metacopy === 'on', redirectDir: follows ? 'on' : redirectDir, userxattr: true };
}

/** Rules about the layers that hold for any overlay; the others are the kernel's own. */
const STRUCTURE = new Set([
  'no-lower',
  'no-workdir',
  'workdir-upper',
  'only-data',
  'same-directory',
  'layer-inside-layer',
]);

/** An index of everything that is copied up is more than Lamina keeps (docs/differences.md). */
const NFS_EXPORT: OptionFinding = {
  rule: 'lamina-nfs-export',
  severity: 'error',
  errno: 'EOPNOTSUPP',
  options: ['nfs_export'],
  message: 'Lamina does not write an upper with nfs_export=on.',
  why: 'It would have to index every directory that is copied up, as the kernel does; handles would be stale without.',
  kernel: null,
  fixes: [{ label: 'Take nfs_export off', set: { nfs_export: null } }],
};

/**
 * What stands in the way of mounting with Lamina: the findings that are not the kernel's alone.
 * @param writes an upper is there to be written; false for a mount with `ro`
 */
export function laminaObstacles(subject: OptionSubject, writes = subject.upper !== null): OptionFinding[] {
  const { effective, findings } = judgeOptions(subject);
  const obstacles = findings.filter(({ severity, rule }) => severity === 'error' && STRUCTURE.has(rule));
  return writes && subject.upper && effective.nfsExport ? [...obstacles, NFS_EXPORT] : obstacles;
}
