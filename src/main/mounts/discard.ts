// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { DiscardPlan } from '@shared/changes';
import type { Composition } from '@shared/composition';
import type { MountInfo } from '@shared/contract';
import { engineOptions } from '@shared/lamina-options';
import { discardChanges } from '../overlay/discard';
import { planDiscard } from '../overlay/discard-plan';
import { OverlayStack } from '../overlay/stack';
import { command } from './control';
import { laminaMountOn, refuseKernelMount } from './upper-use';

function withStack<T>(composition: Composition, use: (stack: OverlayStack) => T): T {
  const stack = new OverlayStack(composition, engineOptions(composition));
  try {
    return use(stack);
  } finally {
    stack.close();
  }
}

/**
 * What discarding changes of a composition's upper would take away, and the live mount that it would go through.
 * @param paths of changes; null for all
 * @throws Failure where there is no upper, a path has no change, or the kernel has a mount on the upper
 */
export async function planOf(
  composition: Composition,
  paths: readonly ByteString[] | null,
): Promise<{ readonly plan: DiscardPlan; readonly mount: MountInfo | null }> {
  const plan = withStack(composition, (stack) => planDiscard(stack, paths));
  const upper = composition.upper!.path;
  refuseKernelMount(upper);
  return { plan, mount: await laminaMountOn(upper) };
}

/**
 * Carries out a plan. A live mount does it itself: the kernel keeps names of its mount, and has to be told.
 * @param token of the plan that was agreed to
 * @throws Failure where the upper is another by now, or in use by the kernel's overlay
 */
export async function discard(
  composition: Composition,
  paths: readonly ByteString[] | null,
  token: string,
): Promise<void> {
  const { upper } = composition;
  if (upper) refuseKernelMount(upper.path);
  const mount = upper && (await laminaMountOn(upper.path));
  if (mount) {
    await command(mount.id, 'discard', { paths, token });
    return;
  }
  const workdir = upper?.workdir ?? '';
  withStack(composition, (stack) => discardChanges(stack, { paths, token, workdir, tidy: true }));
}
