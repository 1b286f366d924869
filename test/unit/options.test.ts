// SPDX-License-Identifier: MIT
import { describe, expect, test } from 'vitest';
import { judgeOptions, LINUX_DEFAULTS, OPTION_SPECS, withFix } from '@shared/options';
import type { ModuleDefaults, OptionFinding, OptionName, OptionSubject, OptionValues } from '@shared/options';

const layers = (...paths: string[]): OptionSubject['lowers'] => paths.map((path) => ({ id: path, path }));
const WITH_UPPER: OptionSubject = { upper: { path: '/u', workdir: '/w' }, lowers: layers('/a'), data: [], options: {} };
const LOWER_ONLY: OptionSubject = { upper: null, lowers: layers('/a', '/b'), data: [], options: {} };

const judge = (subject: OptionSubject, options: OptionValues, modules?: ModuleDefaults) =>
  judgeOptions({ ...subject, options }, modules);
const rules = (findings: readonly OptionFinding[], severity?: string): string[] =>
  findings.filter((finding) => !severity || finding.severity === severity).map(({ rule }) => rule);
const errors = (subject: OptionSubject, options: OptionValues = {}, modules?: ModuleDefaults): string[] =>
  rules(judge(subject, options, modules).findings, 'error');

type Choices = Partial<Record<OptionName, readonly (string | true | undefined)[]>>;

/** Every combination of the values. */
function combinations(choices: Choices): OptionValues[] {
  let all: OptionValues[] = [{}];
  for (const [name, values] of Object.entries(choices)) {
    all = all.flatMap((one) => values.map((value) => (value === undefined ? one : { ...one, [name]: value })));
  }
  return all;
}

/** The options that rules combine. */
const COMBINATIONS = [
  ...combinations({
    metacopy: [undefined, 'on', 'off'],
    redirect_dir: [undefined, 'on', 'follow', 'nofollow', 'off'],
    index: [undefined, 'on', 'off'],
    nfs_export: [undefined, 'on', 'off'],
    userxattr: [undefined, true],
  }),
  ...combinations({
    volatile: [undefined, true],
    fsync: [undefined, 'strict', 'volatile'],
    uuid: [undefined, 'on', 'off'],
    verity: [undefined, 'on'],
    userxattr: [undefined, true],
  }),
];

const MODULES: readonly ModuleDefaults[] = [
  LINUX_DEFAULTS,
  { ...LINUX_DEFAULTS, redirectDir: true, metacopy: true, index: true, nfsExport: true, xinoAuto: true },
  { ...LINUX_DEFAULTS, redirectAlwaysFollow: false },
];

describe('the specs', () => {
  test('name every option once, and every value', () => {
    const names = OPTION_SPECS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect([...names].sort()).toEqual(
      [
        'metacopy',
        'redirect_dir',
        'volatile',
        'index',
        'nfs_export',
        'xino',
        'userxattr',
        'verity',
        'uuid',
        'fsync',
        'default_permissions',
      ].sort(),
    );
    for (const { kind, values, since } of OPTION_SPECS) {
      expect(values.length > 0).toBe(kind === 'choice');
      expect(since).toMatch(/^\d+\.\d+$/);
    }
  });
});

describe('fixes', () => {
  test('end their finding and make no new error, for every combination', () => {
    let tried = 0;
    for (const modules of MODULES) {
      for (const subject of [
        WITH_UPPER,
        LOWER_ONLY,
        { ...WITH_UPPER, lowers: layers('/a', '/b'), data: layers('/d') },
      ]) {
        for (const options of COMBINATIONS) {
          const { findings } = judge(subject, options, modules);
          const before = new Set(rules(findings, 'error'));
          for (const { rule, severity, fixes } of findings) {
            if (severity === 'error') expect(fixes.length, rule).toBeGreaterThan(0);
            for (const fix of fixes) {
              tried++;
              const after = judge(subject, withFix(options, fix), modules).findings;
              if (rules(after).includes(rule) || rules(after, 'error').some((error) => !before.has(error))) {
                expect.fail(`${rule}: ${fix.label} for ${JSON.stringify({ options, modules, after: rules(after) })}`);
              }
            }
          }
        }
      }
    }
    expect(tried).toBeGreaterThan(3_000);
  });
});

describe('module defaults give way to what was asked for', () => {
  const all = MODULES[1];
  test.each<[OptionSubject, OptionValues, string, string]>([
    [
      WITH_UPPER,
      { redirect_dir: 'nofollow' },
      'metacopy-default-gives-way',
      'disabling metacopy due to redirect_dir=nofollow',
    ],
    [WITH_UPPER, { index: 'off' }, 'nfs-export-default-gives-way', 'disabling nfs_export due to index=off'],
    [WITH_UPPER, { metacopy: 'on' }, 'nfs-export-or-metacopy-default', 'disabling nfs_export due to metacopy=on'],
    [WITH_UPPER, { nfs_export: 'on' }, 'nfs-export-or-metacopy-default', 'disabling metacopy due to nfs_export=on'],
  ])('%#', (subject, options, rule, kernel) => {
    const finding = judge(subject, options, all).findings.find((one) => one.rule === rule);
    expect(finding).toMatchObject({ severity: 'change', kernel });
    expect(errors(subject, options, all)).toEqual([]);
  });

  test('redirect_dir=off is nofollow where redirect_always_follow=N', () => {
    expect(judge(WITH_UPPER, { redirect_dir: 'off' }, MODULES[2]).effective.redirectDir).toBe('nofollow');
    expect(judge(WITH_UPPER, {}, MODULES[2]).effective.redirectDir).toBe('nofollow');
    expect(errors(WITH_UPPER, { redirect_dir: 'off', userxattr: true }, MODULES[2])).toEqual([]);
  });
});

describe('structure (semantics 5.3)', () => {
  const upper = (path: string, workdir: string): OptionSubject => ({ ...WITH_UPPER, upper: { path, workdir } });
  test.each<[string, OptionSubject, string, string]>([
    ['nothing', { ...LOWER_ONLY, lowers: [] }, 'no-lower', 'EINVAL'],
    ['one lower alone', { ...LOWER_ONLY, lowers: layers('/a') }, 'one-lower', 'EINVAL'],
    ['only data', { ...LOWER_ONLY, lowers: [], data: layers('/d') }, 'only-data', 'EINVAL'],
    ['only data under an upper', { ...WITH_UPPER, lowers: [], data: layers('/d') }, 'only-data', 'EINVAL'],
    ['no workdir', upper('/u', ''), 'no-workdir', 'EINVAL'],
    ['workdir is the upper', upper('/u', '/u/'), 'workdir-upper', 'EINVAL'],
    ['workdir in the upper', upper('/u', '/u//w'), 'workdir-upper', 'EINVAL'],
    ['upper in the workdir', upper('/w/./u', '/w'), 'workdir-upper', 'EINVAL'],
    ['twice', { ...LOWER_ONLY, lowers: layers('/a', '/a/.') }, 'same-directory', 'ELOOP'],
    ['lower is the upper', { ...WITH_UPPER, lowers: layers('/u') }, 'same-directory', 'ELOOP'],
    ['lower is the workdir', { ...WITH_UPPER, lowers: layers('/w') }, 'same-directory', 'ELOOP'],
    ['data is a lower', { ...LOWER_ONLY, data: layers('/b') }, 'same-directory', 'ELOOP'],
    ['lower in a lower', { ...LOWER_ONLY, lowers: layers('/a/b/c', '/a') }, 'layer-inside-layer', 'ELOOP'],
    ['data in a lower', { ...LOWER_ONLY, data: layers('/b/d') }, 'layer-inside-layer', 'ELOOP'],
    ['lower in the root', { ...LOWER_ONLY, lowers: layers('/', '/a') }, 'layer-inside-layer', 'ELOOP'],
    ['lower in the workdir', { ...WITH_UPPER, lowers: layers('/w/x') }, 'layer-inside-layer', 'ELOOP'],
    [
      '501 lowers',
      { ...LOWER_ONLY, lowers: layers(...Array.from({ length: 501 }, (_, i) => `/l/${i}`)) },
      'too-many-layers',
      'EINVAL',
    ],
  ])('%s', (_, subject, rule, errno) => {
    const { findings } = judgeOptions(subject);
    expect(findings.find(({ severity }) => severity === 'error')).toMatchObject({ rule, errno });
  });

  test.each<[string, OptionSubject]>([
    ['one lower and data', { ...LOWER_ONLY, lowers: layers('/a'), data: layers('/d') }],
    ['names that only begin alike', { ...LOWER_ONLY, lowers: layers('/a', '/ab', '/a b') }],
    ['a path with .. is not judged by its text', { ...LOWER_ONLY, lowers: layers('/a', '/a/../b') }],
    ['nor is a workdir', upper('/a2/u', '/a2/u/../w')],
    ['upper and workdir in a lower', { ...WITH_UPPER, upper: { path: '/a/u', workdir: '/a/w' } }],
    ['500 layers', { ...LOWER_ONLY, data: layers(...Array.from({ length: 498 }, (_, i) => `/l/${i}`)) }],
  ])('%s mounts', (_, subject) => {
    expect(errors(subject)).toEqual([]);
  });

  test('a count too high comes before every other complaint, a conflict of options before structure', () => {
    const subject = { ...LOWER_ONLY, lowers: layers('/a', '/a', ...Array.from({ length: 500 }, (_, i) => `/l/${i}`)) };
    expect(errors(subject, { metacopy: 'on', redirect_dir: 'nofollow' })).toEqual([
      'too-many-layers',
      'metacopy-redirect',
      'same-directory',
    ]);
  });
});

describe('notes', () => {
  const data: OptionSubject = { ...LOWER_ONLY, data: layers('/d') };
  test('without metacopy=on only the last lower can use data-only layers (2.6)', () => {
    expect(rules(judge(data, {}).findings)).toContain('data-last-lower-only');
    expect(rules(judge(data, { userxattr: true }).findings)).toContain('data-last-lower-only');
    expect(rules(judge(data, { metacopy: 'on' }).findings)).not.toContain('data-last-lower-only');
    expect(rules(judge({ ...data, lowers: layers('/a') }, {}).findings)).not.toContain('data-last-lower-only');
  });

  test('nfs_export against metacopy is told in three sentences', () => {
    const finding = judge(WITH_UPPER, { nfs_export: 'on', metacopy: 'on' }).findings[0];
    expect(finding?.rule).toBe('metacopy-sets-redirect');
    const conflict = judge(WITH_UPPER, { nfs_export: 'on', metacopy: 'on' }).findings.find(
      ({ severity }) => severity === 'error',
    );
    expect(conflict?.rule).toBe('nfs-export-metacopy');
    expect(conflict?.why.match(/\. |\.$/g)?.length).toBe(3);
  });

  test('volatile against fsync, redirect_dir=off, volatile marker, upper in a lower', () => {
    expect(judge(WITH_UPPER, { volatile: true, fsync: 'strict' }).effective.fsync).toBe('strict');
    expect(rules(judge(WITH_UPPER, { volatile: true, fsync: 'strict' }).findings)).toEqual(['volatile-fsync']);
    expect(rules(judge(WITH_UPPER, { redirect_dir: 'off' }).findings)).toEqual(['redirect-off-follows']);
    expect(rules(judge(WITH_UPPER, { volatile: true }).findings)).toEqual(['volatile-marker']);
    expect(rules(judge({ ...WITH_UPPER, upper: { path: '/a/u', workdir: '/w' } }, {}).findings)).toEqual([
      'upper-inside-lower',
    ]);
    expect(rules(judge(WITH_UPPER, {}).findings)).toEqual([]);
  });
});
