// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';

const CAP_FSETID = 1n << 4n;

/** What is asked of a process that acts on files, beside its ids. */
export interface ProcessCredentials {
  readonly groups: readonly number[];
  /** CAP_FSETID: it may keep set-id bits of files that are not its own (capabilities(7)). */
  readonly keepsSetId: boolean;
}

/** The supplementary groups and the capability of a process or thread; null for one that is gone or not to be seen. */
export function credentialsOf(pid: number): ProcessCredentials | null {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return null;
  }
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  return {
    groups: field('Groups').split(/\s+/).filter(Boolean).map(Number),
    keepsSetId: (BigInt(`0x${field('CapEff') || '0'}`) & CAP_FSETID) !== 0n,
  };
}
