// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { engineOptions, laminaObstacles } from '@shared/lamina-options';
import type { OptionSubject } from '@shared/options';
import type { OptionValues } from '@shared/option-values';

const subject = (options: OptionValues, upper = true): OptionSubject => ({
  upper: upper ? { path: '/u', workdir: '/w' } : null,
  lowers: [
    { id: 'a', path: '/a' },
    { id: 'b', path: '/b' },
  ],
  data: [],
  options,
});

const rules = (...parameters: Parameters<typeof laminaObstacles>): string[] =>
  laminaObstacles(...parameters).map(({ rule }) => rule);

describe('what stands in the way of a mount by Lamina', () => {
  const exported: OptionValues = { nfs_export: 'on', index: 'on' };

  test('an upper that would need an index of everything', () => {
    expect(rules(subject(exported))).toEqual(['lamina-nfs-export']);
    expect(laminaObstacles(subject(exported))[0]!.fixes[0]!.set).toEqual({ nfs_export: null });
  });
  test('not where nothing is written', () => {
    expect(rules(subject(exported), false)).toEqual([]);
    expect(rules(subject(exported, false))).toEqual([]);
  });
  test('not what the kernel alone refuses', () => {
    expect(rules(subject({ userxattr: true, metacopy: 'on' }))).toEqual([]);
  });
});

describe('options of the engine', () => {
  test('follow redirects and metacopies in user.* attributes only where they were asked for', () => {
    expect(engineOptions(subject({ userxattr: true }))).toMatchObject({ metacopy: false, userxattr: true });
    expect(engineOptions(subject({ userxattr: true, metacopy: 'on' }))).toEqual({
      metacopy: true,
      redirectDir: 'on',
      userxattr: true,
    });
  });
});
