// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { DiscardPlan } from '@shared/changes';
import type { Composition, UpperEntry } from '@shared/composition';
import type { MountInfo } from '@shared/contract';
import { Failure } from '@shared/failure';
import { engineOptions } from '@shared/lamina-options';
import { discardChanges } from '../overlay/discard';
import { planDiscard } from '../overlay/discard-plan';
import { OverlayStack } from '../overlay/stack';
import { command } from './control';
import { laminaMountOn, refuseKernelMount, withIdleUpper } from './upper-use';

function withStack<T>(composition: Composition, use: (stack: OverlayStack) => T): T {
  const stack = new OverlayStack(composition, engineOptions(composition));
  try {
    return use(stack);
  } finally {
    stack.close();
  }
}

function upperOf({ upper }: Composition): UpperEntry {
  if (upper) return upper;
  throw new Failure('no-upper', 'The stack has no upper: there is nothing to discard.', 'Set an upper layer.');
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
  const { path } = upperOf(composition);
  const plan = withStack(composition, (stack) => planDiscard(stack, paths));
  refuseKernelMount(path);
  return { plan, mount: await laminaMountOn(path) };
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
  const upper = upperOf(composition);
  const mount = await laminaMountOn(upper.path);
  if (mount) {
    await command(mount.id, 'discard', { paths, token });
    return;
  }
  await withIdleUpper(upper.path, () =>
    withStack(composition, (stack) => discardChanges(stack, { paths, token, workdir: upper.workdir, tidy: true })),
  );
}
