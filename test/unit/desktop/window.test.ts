// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { CONTENT_POLICY } from '../../../src/main/desktop/content-policy';
import { fitBounds } from '../../../src/main/desktop/fit-bounds';
import { windowOptions } from '../../../src/main/desktop/window-options';

describe('the window', () => {
  it('is locked down', () => {
    expect(windowOptions({}, false, '/preload.cjs').webPreferences).toEqual({
      preload: '/preload.cjs',
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    });
    expect(CONTENT_POLICY).not.toMatch(/unsafe|\*|https?:/);
  });

  it('has the ground of its theme before the first paint', () => {
    const light = windowOptions({}, false, '');
    const dark = windowOptions({}, true, '');
    expect(light.show).toBe(false);
    expect(light.backgroundColor).not.toBe(dark.backgroundColor);
  });

  const screen = { x: 0, y: 0, width: 1920, height: 1080 };

  it('opens where it was', () => {
    const bounds = { x: 100, y: 50, width: 1200, height: 800 };
    expect(fitBounds(bounds, [screen])).toEqual(bounds);
  });

  it('opens in the middle when its screen is gone', () => {
    expect(fitBounds({ x: 5000, y: 0, width: 1200, height: 800 }, [screen])).toEqual({ width: 1360, height: 860 });
  });

  it('is never larger than the screen', () => {
    expect(fitBounds(null, [{ ...screen, width: 1024, height: 700 }])).toEqual({ width: 1024, height: 700 });
    expect(fitBounds({ x: 0, y: 0, width: 4000, height: 3000 }, [screen])).toMatchObject({ width: 1920, height: 1080 });
  });
});
