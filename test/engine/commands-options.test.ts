// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judgeOptions } from '@shared/options';
import type { EffectiveOptions, ModuleDefaults, OptionName, OptionSubject, OptionValues } from '@shared/options';
import { optionString } from '../../src/main/commands/render';
import { shQuote } from '../../src/main/commands/sh-quote';

/** The rules against this machine's kernel: every combination of the options that interact, and random stacks. */

let base = '';

beforeAll(() => {
  expect(process.getuid?.(), 'these tests mount: run them as root').toBe(0);
  base = mkdtempSync(join(tmpdir(), 'lamina-options-'));
  for (const dir of ['l1/s', 'l2', 'l3/s/t', 'd1', 'd2/s', 'm']) mkdirSync(join(base, dir), { recursive: true });
});

afterAll(() => {
  expect(readFileSync('/proc/self/mounts', 'latin1')).not.toContain(base);
  rmSync(base, { recursive: true, force: true });
});

function moduleDefaults(): ModuleDefaults {
  const on = (name: string): boolean =>
    readFileSync(`/sys/module/overlay/parameters/${name}`, 'latin1').startsWith('Y');
  return {
    redirectDir: on('redirect_dir'),
    redirectAlwaysFollow: on('redirect_always_follow'),
    index: on('index'),
    nfsExport: on('nfs_export'),
    xinoAuto: on('xino_auto'),
    metacopy: on('metacopy'),
  };
}

/** Mounts each option text over fresh upper and work directories; gives the shown options or the errno. */
function mountAll(texts: readonly string[]): string[] {
  const script = texts.map(
    (text) => `rm -rf up wk; mkdir -p up/s/t wk/s
if mount -t overlay overlay -o ${shQuote(text)} ${base}/m 2>err
then grep -F " ${base}/m overlay " /proc/self/mounts | cut -d' ' -f4; umount ${base}/m
else case "$(cat err)" in *'wrong fs type'*) echo EINVAL;; *'Too many levels'*) echo ELOOP;; *) tr '\\n' ' ' <err; echo;; esac; fi`,
  );
  writeFileSync(join(base, 'script.sh'), script.join('\n'));
  const ran = spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', join(base, 'script.sh')], {
    cwd: base,
    encoding: 'latin1',
    maxBuffer: 1 << 26,
  });
  expect(ran.stderr).toBe('');
  return ran.stdout.trimEnd().split('\n');
}

/** The options that /proc/mounts shows for what the rules say (semantics 5.1), but for uuid and xino. */
function shownFor(effective: EffectiveOptions, modules: ModuleDefaults): Record<string, string> {
  const byDefault = modules.redirectDir ? 'on' : modules.redirectAlwaysFollow ? 'follow' : 'nofollow';
  const onOff = (name: string, value: boolean, fallback: boolean): Record<string, string> =>
    value === fallback ? {} : { [name]: value ? 'on' : 'off' };
  return {
    ...(effective.redirectDir === byDefault ? {} : { redirect_dir: effective.redirectDir }),
    ...onOff('index', effective.index, modules.index),
    ...onOff('nfs_export', effective.nfsExport, modules.nfsExport),
    ...onOff('metacopy', effective.metacopy, modules.metacopy),
    ...(effective.fsync === 'auto' ? {} : { fsync: effective.fsync }),
    ...(effective.userxattr ? { userxattr: '' } : {}),
    ...(effective.verity === 'off' ? {} : { verity: effective.verity }),
  };
}

const COMPARED = new Set(['redirect_dir', 'index', 'nfs_export', 'metacopy', 'fsync', 'userxattr', 'verity']);

function compare(subjects: readonly OptionSubject[]): void {
  const modules = moduleDefaults();
  const real = mountAll(subjects.map(optionString));
  expect(real.length).toBe(subjects.length);
  const differences = subjects.flatMap((subject, index) => {
    const { effective, findings } = judgeOptions(subject, modules);
    const error = findings.find(({ severity }) => severity === 'error');
    const predicted = error ? error.errno : JSON.stringify(sorted(shownFor(effective, modules)));
    const shown = real[index] ?? '';
    const got = shown.includes('relatime') ? JSON.stringify(sorted(readShown(shown))) : shown;
    return predicted === got ? [] : [{ options: optionString(subject), predicted, got, rule: error?.rule }];
  });
  expect(differences).toEqual([]);
}

function readShown(shown: string): Record<string, string> {
  const words = shown.split(',').map((word): [string, string] => [word.split('=')[0] ?? '', word.split('=')[1] ?? '']);
  return Object.fromEntries(words.filter(([name]) => COMPARED.has(name)));
}

function sorted(record: Record<string, string>): [string, string][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

function combinations(choices: Partial<Record<OptionName, readonly (string | true | undefined)[]>>): OptionValues[] {
  let all: OptionValues[] = [{}];
  for (const [name, values] of Object.entries(choices)) {
    all = all.flatMap((one) => values.map((value) => (value === undefined ? one : { ...one, [name]: value })));
  }
  return all;
}

const entries = (...names: string[]) => names.map((name) => ({ id: name, path: `${base}/${name}` }));
const upper = () => ({ path: `${base}/up`, workdir: `${base}/wk` });

test('every combination of metacopy, redirect_dir, index, nfs_export and userxattr, with an upper and without', () => {
  const all = combinations({
    metacopy: [undefined, 'on', 'off'],
    redirect_dir: [undefined, 'on', 'follow', 'nofollow', 'off'],
    index: [undefined, 'on', 'off'],
    nfs_export: [undefined, 'on', 'off'],
    userxattr: [undefined, true],
  });
  expect(all.length).toBe(270);
  compare(all.map((options) => ({ upper: upper(), lowers: entries('l1'), data: [], options })));
  compare(all.map((options) => ({ upper: null, lowers: entries('l1', 'l2'), data: [], options })));
});

test('volatile, fsync, verity and data-only layers', () => {
  const all = combinations({
    volatile: [undefined, true],
    fsync: [undefined, 'strict', 'volatile'],
    verity: [undefined, 'on', 'require'],
    metacopy: [undefined, 'on'],
    userxattr: [undefined, true],
  });
  compare(all.map((options) => ({ upper: upper(), lowers: entries('l1', 'l2'), data: entries('d1'), options })));
  compare(all.map((options) => ({ upper: null, lowers: entries('l1'), data: entries('d1'), options })));
});

test('random stacks of directories that lie in each other', () => {
  const name = fc.constantFrom(
    'l1',
    'l1/s',
    'l2',
    'l3',
    'l3/s',
    'l3/s/t',
    'l3/s/.',
    'd1',
    'd2',
    'd2//s',
    'up',
    'up/s',
    'wk',
    'wk/s',
    'l1/',
  );
  const top = fc.constantFrom('up', 'up/s', 'up/s/t', 'l3/s', 'wk', 'wk/s');
  const stack = fc.record({
    upper: fc.option(
      fc.record({
        path: top,
        workdir: fc.oneof({ weight: 5, arbitrary: top }, { weight: 1, arbitrary: fc.constant('') }),
      }),
    ),
    lowers: fc.array(name, { minLength: 1, maxLength: 4 }),
    data: fc.array(name, { maxLength: 2 }),
    options: fc.constantFrom<OptionValues>({}, {}, { metacopy: 'on' }, { metacopy: 'on', redirect_dir: 'nofollow' }),
  });
  const subjects = fc
    .sample(stack, { numRuns: 400, seed: 20261124 })
    .map(({ upper, lowers, data, options }): OptionSubject => ({
      upper: upper && { path: `${base}/${upper.path}`, workdir: upper.workdir && `${base}/${upper.workdir}` },
      lowers: entries(...lowers),
      data: entries(...data),
      options,
    }));
  const mounted = subjects.filter((subject) =>
    judgeOptions(subject).findings.every(({ severity }) => severity !== 'error'),
  );
  expect(mounted.length).toBeGreaterThan(40);
  compare(subjects);
});
