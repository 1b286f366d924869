// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';

const ALL_IDS = 0xffff_ffff;

/** The ids of the outer user namespace in which uid 0 of ours is, and whether it is all of them: then it is no other. */
function uidMap(): { readonly outer: number; readonly isWhole: boolean } {
  const [inner, outer, count] = readFileSync('/proc/self/uid_map', 'latin1')
    .trim()
    .split('\n', 1)[0]!
    .trim()
    .split(/\s+/);
  return { outer: Number(outer), isWhole: inner === '0' && outer === '0' && Number(count) === ALL_IDS };
}

/** Whether we are in a user namespace other than the first (user_namespaces(7)). */
export const inUserNamespace = (): boolean => !uidMap().isWhole;

/**
 * Root of the first user namespace, who alone may write `trusted.*` attributes and hand files to the kernel for
 * passthrough. Root of another one is an ordinary user for these.
 */
export const isFullRoot = (): boolean => process.getuid?.() === 0 && !inUserNamespace();

/** Our user id, or for root of a user namespace that of who made it. */
export function outerUid(): number {
  const uid = process.getuid?.() ?? 0;
  return uid === 0 ? uidMap().outer : uid;
}
