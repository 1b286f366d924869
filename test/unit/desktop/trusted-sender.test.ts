// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { isTrustedSender } from '../../../src/main/desktop/trusted-sender';

const known = new Set([1]);
const page = { url: 'app://bundle/index.html', parent: null };

describe('isTrustedSender', () => {
  it('trusts the main frame of our window', () => {
    expect(isTrustedSender(known, 1, page)).toBe(true);
  });

  it.each([
    ['another web contents', 2, page],
    ['a frame inside', 1, { ...page, parent: {} }],
    ['another origin', 1, { ...page, url: 'https://bundle/index.html' }],
    ['an origin that begins like ours', 1, { ...page, url: 'app://bundle.evil/index.html' }],
    ['about:blank', 1, { ...page, url: 'about:blank' }],
    ['a frame that is gone', 1, null],
  ])('refuses %s', (_what, sender, frame) => {
    expect(isTrustedSender(known, sender, frame)).toBe(false);
  });
});
