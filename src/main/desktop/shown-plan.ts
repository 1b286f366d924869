// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import type { ShownPlan } from '@shared/contract';
import { planOf } from '../mounts/discard';

/** What a discard would take away, as the window lists it. Throws as `planOf`. */
export async function shownPlan(composition: Composition, paths: readonly ByteString[] | null): Promise<ShownPlan> {
  const { plan, mount } = await planOf(composition, paths);
  const items = plan.items.map((item) => ({
    ...item,
    display: display(item.path),
    oldDisplay: item.oldPath === null ? null : display(item.oldPath),
  }));
  return { ...plan, items, through: mount?.display ?? null };
}
