// SPDX-License-Identifier: MIT
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ByteString } from '@shared/bytes';
import { bytesOf, display } from '@shared/bytes';
import type { Composition } from '@shared/composition';
import type { CommandForm } from '@shared/contract';
import { renderCommand } from '../../src/main/commands/render';
import { shQuote } from '../../src/main/commands/sh-quote';

/**
 * Runs what `renderCommand` writes, as root, for directories with hostile names: every command in a mount namespace
 * of its own, so that nothing outlives it.
 */

const NAMES: readonly ByteString[] = [
  'plain',
  'two words',
  ' blanks around ',
  'tab\there',
  'line\nbreak',
  'return\rhere',
  'colon:in:it',
  'comma,in,it',
  'back\\slash',
  'ends with \\',
  'both\\,\\:of them',
  'octal\\040like',
  "it's",
  'double"quote',
  '"quoted"',
  'percent%n%%',
  '#hash=equals',
  '$HOME`id`$(id)',
  'semi;amp&pipe|star*?[a]',
  'not UTF-8 \xff\xfe\x80',
  bytesOf('ärger → 漢字'),
  '-dash --',
  '!bang~{a,b}',
  '\x01\x7f control',
];

const bytes = (text: ByteString): Buffer => Buffer.from(text, 'latin1');
let base = '';

beforeAll(() => {
  expect(process.getuid?.(), 'these tests mount: run them as root').toBe(0);
  base = mkdtempSync(join(tmpdir(), 'lamina-commands-'));
  execFileSync('chmod', ['755', base]);
});

afterAll(() => {
  expect(readFileSync('/proc/self/mounts', 'latin1')).not.toContain(base);
  rmSync(base, { recursive: true, force: true });
});

let count = 0;

interface Stack {
  readonly composition: Composition;
  readonly dir: string;
  readonly mountpoint: ByteString;
}

/** An upper over two lowers (and a data-only layer), all with `name` in their names, and with known content. */
function stack(name: ByteString, marks?: 'trusted' | 'user'): Stack {
  const dir = join(base, String(count++));
  const place = (letter: string): ByteString => `${dir}/${letter}${name}`;
  const [upper, workdir, a, b, data, mountpoint] = ['U', 'W', 'A', 'B', 'D', 'M'].map(place) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  for (const path of [upper, workdir, a, b, data, mountpoint]) mkdirSync(bytes(path), { recursive: true });
  const write = (path: ByteString, content: string): void => writeFileSync(bytes(path), content);
  write(`${upper}/from-u`, 'u');
  write(`${a}/from-a`, 'a');
  write(`${a}/both`, 'a');
  write(`${b}/from-b`, 'b');
  write(`${b}/both`, 'b');
  write(`${data}/object`, 'data');
  if (marks) {
    // A script, because spawn would write the bytes of an argument as UTF-8.
    const file = shQuote(`${b}/meta`);
    const script = [
      `truncate -s 4 ${file}`,
      `setfattr -n ${marks}.overlay.metacopy ${file}`,
      `setfattr -n ${marks}.overlay.redirect -v /object ${file}`,
    ];
    expect(shell(dir, script.join(' && ')).stderr).toBe('');
  }
  const composition: Composition = {
    id: 'c',
    name: 'Test',
    upper: { path: upper, workdir },
    lowers: [
      { id: 'a', path: a },
      { id: 'b', path: b },
    ],
    data: marks ? [{ id: 'd', path: data }] : [],
    options: {},
    mountpoint,
  };
  return { composition, dir, mountpoint };
}

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script in a new mount namespace. */
function shell(dir: string, script: ByteString, input: ByteString = ''): Ran {
  const file = join(dir, 'script.sh');
  writeFileSync(file, bytes(`${script}\n`));
  const { stdout, stderr } = spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', file], {
    input: bytes(input),
    cwd: '/',
  });
  // fuse-overlayfs 1.10 always says so of an option of its own.
  const said = stderr.toString('latin1').replace('unknown argument ignored: lazytime\n', '');
  return { stdout: stdout.toString('latin1'), stderr: said };
}

const BARE = 'both from-a from-b from-u|a';
const WITH_DATA = 'both from-a from-b from-u meta|a|data';

/** What is to be seen at the mount point. */
function probe(mountpoint: ByteString, withData = false): ByteString {
  const at = shQuote(mountpoint);
  const listing = `printf '%s|%s' "$(echo $(ls ${at}))" "$(cat ${at}/both)"`;
  return withData ? `${listing}; printf '|%s' "$(cat ${at}/meta)"` : listing;
}

/** How the text of a form is run, with the probe after it. */
const RUN: Readonly<
  Record<
    'mount' | 'fsconfig' | 'fstab' | 'unshare' | 'fuse-overlayfs',
    (made: Stack, text: ByteString, probe: ByteString) => Ran
  >
> = {
  mount: ({ dir }, text, probe) => shell(dir, `${text} && { ${probe}; }`),
  fsconfig: ({ dir }, text, probe) => shell(dir, `${text} && { ${probe}; }`),
  fstab: ({ dir, mountpoint }, text, probe) => {
    writeFileSync(join(dir, 'fstab'), bytes(`${text}\n`));
    return shell(dir, `mount -T ${dir}/fstab ${shQuote(mountpoint)} && { ${probe}; }`);
  },
  unshare: ({ dir }, text, probe) => shell(dir, text, probe),
  'fuse-overlayfs': ({ dir, mountpoint }, text, probe) =>
    shell(dir, `${text} && { ${probe}; umount ${shQuote(mountpoint)}; }`),
};

/** The names that a form cannot express; for these its text must be null and say so. */
const CANNOT: Readonly<Record<CommandForm, RegExp | null>> = {
  mount: /"/,
  fsconfig: /[",]/,
  fstab: /"/,
  systemd: /["\n\r\xff]/,
  unshare: /"/,
  'fuse-overlayfs': /:/,
  lamina: null,
};

describe.each(Object.keys(RUN) as (keyof typeof RUN)[])('%s', (form) => {
  test.each(NAMES.map((name) => [display(name), name]))('%s', (_, name) => {
    const made = stack(name);
    const { text, warnings } = renderCommand(made.composition, form);
    if (CANNOT[form]?.test(name)) {
      expect(text).toBeNull();
      expect(warnings.length).toBeGreaterThan(0);
    } else {
      expect(text).not.toBeNull();
      expect(RUN[form](made, text ?? '', probe(made.mountpoint))).toEqual({ stdout: BARE, stderr: '' });
    }
  });
});

describe.each(['mount', 'fsconfig', 'fstab', 'unshare'] as const)('%s with a data-only layer', (form) => {
  test.each(['plain', "it's \\ a # 100% name\t\xff"])('%j', (name) => {
    const made = stack(name, form === 'unshare' ? 'user' : 'trusted');
    const { text } = renderCommand(made.composition, form);
    expect(RUN[form](made, text ?? '', probe(made.mountpoint, true))).toEqual({ stdout: WITH_DATA, stderr: '' });
  });
});

/** What systemd itself understands of a unit: the dump that `systemd-analyze verify` prints when it debugs. */
function readBySystemd(
  dir: string,
  filename: string,
  text: ByteString,
): { where: ByteString; options: ByteString; requires: ByteString[] } {
  writeFileSync(join(dir, filename), bytes(text));
  const verify = `systemd-analyze verify --man=no ${shQuote(`${dir}/${filename}`)}`;
  expect(shell(dir, verify).stderr).toBe('');
  const dump = shell(dir, `SYSTEMD_LOG_LEVEL=debug ${verify}`).stdout;
  const all = (key: string): ByteString[] =>
    [...dump.matchAll(new RegExp(`^\\t\\t${key}: (.*)$`, 'gm'))].map(([, value]) => value ?? '');
  return {
    where: all('Where')[0] ?? '',
    // What mount(8) is given of them: fstab_filter_options of libsystemd, tried with 252.
    options: (all('Options')[0] ?? '').replace(/\\([^])/g, (both, char: string) => (char === '\\' ? '\\' : both)),
    requires: all('RequiresMountsFor').map((line) => line.replace(/ \([^()]*\)$/, '')),
  };
}

test('unshare as an ordinary user', () => {
  const made = stack('for\tall');
  const { text } = renderCommand(made.composition, 'unshare');
  const script = join(made.dir, 'user.sh');
  writeFileSync(script, bytes(`${text ?? ''}\n`));
  execFileSync('chown', ['-R', '1000:1000', made.dir]);
  const ran = shell(
    made.dir,
    `setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all sh ${script}`,
    `id -u; touch ${shQuote(made.mountpoint)}/new; ${probe(made.mountpoint)}`,
  );
  expect(ran).toEqual({ stdout: `0\n${BARE.replace('from-u', 'from-u new')}`, stderr: '' });
});

describe('systemd', () => {
  const names = NAMES.filter((name) => !CANNOT.systemd?.test(name));

  test.each(names.map((name) => [display(name), name]))('%s', (_, name) => {
    const made = stack(name);
    const escaped = shell(made.dir, `systemd-escape -p --suffix=mount -- ${shQuote(made.mountpoint)}`);
    expect(renderCommand(made.composition, 'systemd').filename).toBe(escaped.stdout.trimEnd());

    // systemd-analyze would take a colon in the unit's own name for the start of an alias.
    const mountpoint = made.mountpoint.replaceAll(':', ';');
    mkdirSync(bytes(mountpoint), { recursive: true });
    const { text, filename } = renderCommand({ ...made.composition, mountpoint }, 'systemd');
    const read = readBySystemd(made.dir, filename, text ?? '');
    const { upper, lowers } = made.composition;
    expect(read.where).toBe(mountpoint);
    for (const path of [upper?.path, upper?.workdir, ...lowers.map(({ path }) => path)])
      expect(read.requires).toContain(path);
    const mount = `mount -t overlay overlay -o ${shQuote(read.options)} ${shQuote(read.where)}`;
    expect(shell(made.dir, `${mount} && { ${probe(mountpoint)}; }`)).toEqual({ stdout: BARE, stderr: '' });
  });

  test.each(NAMES.filter((name) => CANNOT.systemd?.test(name)).map((name) => [display(name), name]))(
    'not %s',
    (_, name) => {
      const { text, warnings } = renderCommand(stack(name).composition, 'systemd');
      expect(text).toBeNull();
      expect(warnings.length).toBeGreaterThan(0);
    },
  );
});

describe('options over 255 and near 4095 bytes', () => {
  test.each<[string, number, 'mount' | 'fsconfig' | 'fstab', boolean]>([
    ['mount, list over 255', 20, 'mount', true],
    ['fstab, list over 255', 20, 'fstab', true],
    ['fsconfig, 60 layers', 60, 'fsconfig', true],
    ['mount, over 4095', 300, 'mount', false],
  ])('%s', (_, layers, form, possible) => {
    const made = stack('x');
    const more = Array.from({ length: layers }, (_, i) => ({ id: `m${i}`, path: `${made.dir}/more/${i}` }));
    for (const { path } of more) mkdirSync(path, { recursive: true });
    const composition = { ...made.composition, lowers: [...made.composition.lowers, ...more] };
    const { text, warnings } = renderCommand(composition, form);
    expect(text !== null).toBe(possible);
    if (text === null) expect(warnings[0]).toContain('4095');
    else expect(RUN[form](made, text, probe(made.mountpoint))).toEqual({ stdout: BARE, stderr: '' });
  });
});
