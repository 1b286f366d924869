// SPDX-License-Identifier: MIT
import type { Lane } from '@shared/composition';
import type { Place } from '@shared/step-move';

/** Where a drop at height `y` goes: the lane under it, before the first layer whose middle lies below. */
export function insertionPoint(root: Element, y: number): Place {
  const lanes = [...root.querySelectorAll<HTMLElement>('[data-lane]')];
  const under = lanes.find((lane) => y < lane.getBoundingClientRect().bottom) ?? lanes.at(-1);
  const lane = (under?.dataset['lane'] ?? 'lower') as Lane;
  if (!under || lane === 'upper') return { lane, position: 0 };
  const middles = [...under.querySelectorAll('[data-layer]')].map((layer) => {
    const { top, height } = layer.getBoundingClientRect();
    return top + height / 2;
  });
  return { lane, position: middles.filter((middle) => middle < y).length };
}
