// SPDX-License-Identifier: MIT

export interface Bounds {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const DEFAULT_SIZE = { width: 1360, height: 860 };

/**
 * The remembered bounds where they can still be seen, else a window of default size in the middle of the first
 * screen (null position lets the window manager choose).
 */
export function fitBounds(saved: Bounds | null, screens: readonly Bounds[]): Partial<Bounds> {
  const seen = saved && screens.find((screen) => overlap(saved, screen) > 10_000);
  if (saved && seen) {
    return {
      x: saved.x,
      y: saved.y,
      width: Math.min(saved.width, seen.width),
      height: Math.min(saved.height, seen.height),
    };
  }
  const first = screens[0];
  if (!first) return DEFAULT_SIZE;
  return {
    width: Math.min(DEFAULT_SIZE.width, first.width),
    height: Math.min(DEFAULT_SIZE.height, first.height),
  };
}

function overlap(a: Bounds, b: Bounds): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
