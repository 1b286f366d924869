// SPDX-License-Identifier: MIT

export type PaneName = 'left' | 'right' | 'bottom';

interface Pane {
  readonly size: number;
  readonly folded: boolean;
}

const LIMITS: Readonly<Record<PaneName, { min: number; max: number; start: (width: number) => number }>> = {
  left: { min: 260, max: 620, start: (width) => clamp(width * 0.275, 290, 420) },
  right: { min: 230, max: 720, start: (width) => clamp(width * 0.245, 240, 460) },
  bottom: { min: 96, max: 480, start: () => 168 },
};
const KEY = 'panes';

/** Sizes of the three panes around the browser, and which are folded. Kept in the page's own storage. */
export class Panes {
  left = $state.raw<Pane>(initial('left'));
  right = $state.raw<Pane>(initial('right'));
  bottom = $state.raw<Pane>(initial('bottom'));

  constructor() {
    try {
      const saved = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Record<PaneName, Partial<Pane>>>;
      for (const name of ['left', 'right', 'bottom'] as const) {
        const size = saved[name]?.size;
        if (typeof size === 'number') this[name] = { size: limited(name, size), folded: saved[name]?.folded === true };
      }
    } catch {
      // Damaged sizes are no loss.
    }
  }

  limits(name: PaneName): { readonly min: number; readonly max: number } {
    return LIMITS[name];
  }

  resize(name: PaneName, size: number): void {
    this.#set(name, { size: limited(name, size), folded: false });
  }

  fold(name: PaneName): void {
    this.#set(name, { ...this[name], folded: !this[name].folded });
  }

  #set(name: PaneName, pane: Pane): void {
    this[name] = pane;
    localStorage.setItem(KEY, JSON.stringify({ left: this.left, right: this.right, bottom: this.bottom }));
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.round(Math.max(min, Math.min(max, value)));
}

function limited(name: PaneName, size: number): number {
  return clamp(size, LIMITS[name].min, LIMITS[name].max);
}

function initial(name: PaneName): Pane {
  return { size: LIMITS[name].start(window.innerWidth), folded: false };
}
