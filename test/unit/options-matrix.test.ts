// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseMountOptions } from '../../src/main/commands/parse-options';
import type { ParsedMount } from '../../src/main/commands/parse-options';
import { judgeOptions } from '@shared/options';
import type { EffectiveOptions, OptionFinding } from '@shared/options';
import { Failure } from '@shared/failure';

/** The real mounts of `option-matrix.tsv` of the design notes: options, upper, result, /proc/mounts, kernel log. */
interface Row {
  readonly options: string;
  readonly setup: string;
  readonly result: string;
  readonly shown: string;
  readonly log: readonly string[];
}

const ROWS: readonly Row[] = readFileSync(new URL('../fixtures/option-matrix.tsv', import.meta.url), 'latin1')
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [text = '', , result = '', shown = '', log = ''] = line.split('\t');
    const [, options = '', setup = ''] = /^(.*?)(?: \[([^[\]]*)\])?$/.exec(text) ?? [];
    return { options, setup, result, shown, log: log === '' ? [] : log.split(' | ') };
  });

/** Rows whose result depends on more than the text of the options, by the reason why. */
const OUT_OF_SCOPE: readonly (readonly [reason: string, of: (row: Row) => boolean])[] = [
  ['who mounts: user namespaces (5.6)', ({ setup }) => setup.includes('user namespace')],
  [
    'the kind of file system under a layer (5.4)',
    ({ setup }) =>
      /ext4|xfs|btrfs|tmpfs|ramfs|squashfs|erofs|FUSE|procfs|sysfs|overlay \(|overlayfs|ro overlay|rw overlay|nesting/.test(
        setup,
      ),
  ],
  ['the mount under a layer (5.3)', ({ setup }) => /bind mount|read-only|two mounts/.test(setup)],
  ['what another live mount uses (5.3)', ({ setup }) => setup.startsWith('while another mount')],
  [
    'what the upper, the workdir or the index hold (1.6, 1.7, 5.1)',
    ({ setup }) => /upper root|^work\/|^work is|in workdir|upper not empty|^index|upper is a copy/.test(setup),
  ],
  [
    'transport limits: commands.test.ts holds the renderer to them',
    ({ options }) => /^mount\(2\) data|value of \d+ bytes/.test(options),
  ],
  ['file descriptors: no text says them', ({ options }) => options.includes('<fd ')],
  [
    'a comma in fsconfig lowerdir+: no -o text says it',
    ({ options }) => options.startsWith('fsconfig:') && /lowerdir\+=[^ ]*,/.test(options),
  ],
];

/** The directories of the machine on which the matrix was made. */
const DIRECTORIES = new Set(
  'l1 l2 l3 d1 d2 up up2 wk wk2 l1/s l1/u l1/w up/s up/w wk/s wk/u lnk c:d a,b e\\f eq=s h#h'
    .split(' ')
    .concat('sp ace', 'q"q', "s'q")
    .map((name) => `/tmp/x/${name}`)
    .concat('/tmp/x'),
);
const FILES = new Set(['/tmp/x/l1/a']);

/** Flags that the kernel itself reads from a mount(2) data string (5.1); mount(8) would turn the others into flags. */
const IN_DATA = new Set('ro rw sync async dirsync lazytime mand override_creds nooverride_creds'.split(' '));

/** The row as `-o` text; an fsconfig value needs no escape for its commas. */
function asText({ options }: Row): string {
  const layers = /^lowerdir= with (\d+) layers, \d+ bytes \((rel|data-colon)\)$/.exec(options);
  const many = (count: number, name: string): string[] => Array.from({ length: count }, (_, i) => `many/${name}${i}`);
  if (layers) {
    const count = Number(layers[1]);
    return layers[2] === 'rel'
      ? `lowerdir=${many(count, 'l').join(':')}`
      : `lowerdir=l1::${many(count, 'd').join('::')}`;
  }
  const each = /^fsconfig: (\d+) x lowerdir\+, (\d+) x datadir\+$/.exec(options);
  if (each) {
    const lowers = many(Number(each[1]), 'l').map((path) => `lowerdir+=${path}`);
    return [...lowers, ...many(Number(each[2]), 'd').map((path) => `datadir+=${path}`)].join(',');
  }
  if (options.startsWith('fsconfig: ')) return options.slice(10).replaceAll(',', '\\,').replaceAll(' ', ',');
  return options === '(none)' ? '' : options;
}

interface Prediction {
  readonly result: string;
  readonly effective: EffectiveOptions | null;
  readonly findings: readonly OptionFinding[];
}

function predict(row: Row): Prediction {
  const fails = (result: string, findings: readonly OptionFinding[] = []): Prediction => ({
    result,
    effective: null,
    findings,
  });
  const text = asText(row);
  let parsed: ParsedMount;
  try {
    parsed = parseMountOptions(text, /many/.test(text) ? '/tmp/x' : '/');
  } catch (error) {
    if (error instanceof Failure) return fails(error.code);
    throw error;
  }
  const { upper, lowers, data } = parsed;
  const paths = [...lowers, ...data].map(({ path }) => path).concat(upper ? [upper.path, upper.workdir] : []);
  for (const path of paths.filter((path) => path !== '' && !path.startsWith('/tmp/x/many/'))) {
    if (FILES.has(path)) return fails('EINVAL');
    if (!DIRECTORIES.has(path)) return fails('ENOENT');
  }
  if (parsed.unknown.length > 0 || parsed.other.some((word) => !IN_DATA.has(word))) return fails('EINVAL');
  const { findings, effective } = judgeOptions(parsed);
  const error = findings.find(({ severity }) => severity === 'error');
  return error ? fails(error.errno ?? '', findings) : { result: 'ok', effective, findings };
}

/** The options in a /proc/mounts text, with what is not shown at its default (5.1). */
function shownOptions(shown: string): Record<string, string> {
  const words = shown.split(/(?<!\\),/).map((word) => /^([^=]*)=?(.*)$/.exec(word)?.slice(1) ?? []);
  return Object.fromEntries(words.map(([name, value]) => [name, value === '' ? 'given' : value]));
}

/** Of 378 rows; the others fall under a rule of `OUT_OF_SCOPE`. */
const IN_SCOPE = 259;

const scoped = ROWS.map((row) => ({ row, reason: OUT_OF_SCOPE.find(([, of]) => of(row))?.[0] ?? null }));
const inScope = scoped.filter(({ reason }) => reason === null).map(({ row }) => row);

describe('the matrix of real mounts', () => {
  test('is used as far as options and structure decide', () => {
    expect(ROWS.length).toBe(378);
    expect(inScope.length).toBe(IN_SCOPE);
  });

  test.each(inScope)('$options [$setup]', (row) => {
    const { result, effective, findings } = predict(row);
    expect(result).toBe(row.result);
    const said = findings.filter(({ kernel }) => kernel !== null);
    const logged = row.log.filter((line) => !DISK_LOG.test(line)).map((line) => line.replace('overlayfs: ', ''));
    if (result !== 'ok') {
      const error = said.find(({ severity }) => severity === 'error');
      if (error && logged.length > 0) expect(logged.at(-1)).toContain(error.kernel);
      return;
    }
    expect(said.map(({ kernel }) => kernel)).toEqual(logged);
    if (effective && row.shown.includes('relatime')) compare(effective, shownOptions(row.shown));
  });
});

/** Log lines about the file system, and about a workdir that a composition cannot hold without an upper. */
const DISK_LOG = /"xino=on" is useless|option "workdir=.*" is useless/;

function compare(effective: EffectiveOptions, shown: Record<string, string>): void {
  const onOff = (value: string | undefined): boolean => value === 'on';
  expect({
    metacopy: effective.metacopy,
    redirectDir: effective.redirectDir,
    index: effective.index,
    nfsExport: effective.nfsExport,
    userxattr: effective.userxattr,
    verity: effective.verity,
    fsync: effective.fsync,
  }).toEqual({
    metacopy: onOff(shown['metacopy']),
    redirectDir: shown['redirect_dir'] ?? 'follow',
    index: onOff(shown['index']),
    nfsExport: onOff(shown['nfs_export']),
    userxattr: 'userxattr' in shown,
    verity: shown['verity'] ?? 'off',
    fsync: shown['fsync'] ?? 'auto',
  });
  // uuid=auto shows what the upper holds; xino shows only with several file systems.
  if (effective.uuid !== 'auto') expect(shown['uuid']).toBe(effective.uuid);
}
