// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ByteString } from '@shared/bytes';
import type { RenderedCommand } from '@shared/contract';
import { shQuote } from '../../src/main/commands/sh-quote';
import type { CliResult } from '../support/cli';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file, makeTree } from '../support/tree';

/* `lamina command`: what it prints is run, and mounts the same tree in every form. */

const PROGRAM = resolve('out/main/cli.js');
const NAMES: readonly ByteString[] = ['plain', 'two words', 'a,b:c', "it's $HOME", 'not UTF-8 \xff\xe9'];
let at = '';

const bytes = (text: ByteString): Buffer => Buffer.from(text, 'latin1');

beforeAll(() => {
  at = makeScratch('disk');
  mkdirSync(join(at, 'run'));
  for (const name of NAMES) {
    const base = `${at}/${name}`;
    mkdirSync(bytes(base));
    makeTree(`${base}/u`, dir({ upper: file('u\n') }));
    makeTree(`${base}/a`, dir({ both: file('a\n'), a: file() }));
    makeTree(`${base}/b`, dir({ both: file('b\n'), b: file() }));
    for (const folder of ['w', 'm']) mkdirSync(bytes(`${base}/${folder}`));
  }
});

afterAll(() => {
  expect(readFileSync('/proc/self/mounts', 'latin1')).not.toContain(at);
  removeScratch(at);
});

/** Runs a line of sh in a mount namespace of its own, so that no mount outlives it; `lamina` is on its path. */
function sh(line: ByteString, folder: ByteString, input: ByteString = ''): CliResult {
  const script = join(at, 'script.sh');
  const head = `cd ${shQuote(folder)}\nlamina() { ${shQuote(process.execPath)} ${shQuote(PROGRAM)} "$@"; }\n`;
  writeFileSync(script, bytes(`${head}${line}\n`));
  const env = { PATH: process.env['PATH'], LAMINA_RUNTIME_DIR: join(at, 'run') };
  const ran = spawnSync('unshare', ['-m', '--propagation', 'private', 'sh', script], {
    cwd: at,
    env,
    input: bytes(input),
    timeout: 60_000,
  });
  if (ran.error) throw ran.error;
  return { status: ran.status, stdout: ran.stdout.toString('latin1'), stderr: ran.stderr.toString('latin1') };
}

const LOOK = 'echo $(ls m); cat m/both';
const SEEN = 'a b both upper\na\n';

describe.each(NAMES)('%j', (name) => {
  const folder = (): ByteString => `${at}/${name}`;
  const path = (letter: string): ByteString => `${folder()}/${letter}`.replace(/[\\,]/g, '\\$&');
  const options = (): ByteString =>
    `lowerdir=${path('a').replaceAll(':', '\\:')}:${path('b').replaceAll(':', '\\:')},upperdir=${path('u')},workdir=${path('w')}`;
  const command = (form: string): ByteString => `lamina command --form ${form} -o ${shQuote(options())} m`;

  test.each(['mount', 'fsconfig', 'lamina'])('--form %s mounts, run by sh', (form) => {
    if (form === 'fsconfig' && name.includes(',')) {
      const { status, stdout, stderr } = sh(command(form), folder());
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain('comma');
      return;
    }
    const printed = sh(command(form), folder());
    expect(printed.status).toBe(0);
    expect(printed.stdout.trimEnd().split('\n')).toHaveLength(1);
    const run = sh(`${printed.stdout}${LOOK}${form === 'lamina' ? '; lamina umount m' : ''}`, folder());
    expect(run).toMatchObject({ status: 0, stdout: SEEN });
  });

  test('--form unshare mounts, with a shell in the namespace', () => {
    const printed = sh(command('unshare'), folder());
    expect(printed.status).toBe(0);
    expect(printed.stderr).toContain('userxattr is added');
    expect(sh(printed.stdout, folder(), LOOK)).toMatchObject({ status: 0, stdout: SEEN });
  });
});

describe('what is printed', () => {
  const layers = 'lowerdir=a:b,upperdir=u,workdir=w';
  const folder = (): ByteString => `${at}/plain`;

  test('the command alone on stdout, warnings on stderr', () => {
    const { status, stdout, stderr } = sh(`lamina command --form fsconfig -o ${layers} m`, folder());
    const p = folder();
    expect(stdout).toBe(
      `mount -t overlay overlay -o lowerdir+=${p}/a,lowerdir+=${p}/b,upperdir=${p}/u,workdir=${p}/w ${p}/m\n`,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: 'lamina: Needs Linux 6.7 or newer, for lowerdir+=.\n' });
  });

  test('mount(8) is the form when none is given', () => {
    const { stdout } = sh(`lamina command -o ${layers} m`, folder());
    expect(stdout).toBe(sh(`lamina command --form mount -o ${layers} m`, folder()).stdout);
    expect(stdout).toMatch(/^mount -t overlay overlay -o lowerdir=/);
  });

  test('a line of fstab and a unit of systemd', () => {
    expect(sh(`lamina command --form fstab -o ${layers} m`, folder()).stdout).toMatch(
      /^overlay \S+ overlay \S+ 0 0\n$/,
    );
    const unit = sh(`lamina command --form systemd -o ${layers} m`, folder()).stdout;
    expect(unit).toMatch(/^\[Unit\]\n[^]*\n\[Mount\]\nWhat=overlay\nWhere=[^]*WantedBy=multi-user.target\n$/);
  });

  test('--json has the text, the warnings and a file name', () => {
    const { stdout, stderr } = sh(`lamina command --json --form systemd -o ${layers} /srv/merged`, folder());
    const rendered = JSON.parse(stdout) as RenderedCommand;
    expect(rendered).toMatchObject({ form: 'systemd', warnings: [], filename: 'srv-merged.mount' });
    expect(stderr).toBe('');
  });

  test('a form that cannot say it: the reason on stderr, nothing on stdout, status 1', () => {
    const { status, stdout, stderr } = sh(`lamina command --form unshare -o ${layers},metacopy=on m`, folder());
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('needs userxattr');
    const none = sh('lamina command -o metacopy=on m', folder());
    expect(none).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('no lower layer') as string });
  });

  test('words of mount(8) are left out, and that is told', () => {
    const { stdout, stderr } = sh('lamina command -o ro,lowerdir=a:b,noatime m', folder());
    expect(stdout).toBe(sh('lamina command -o lowerdir=a:b m', folder()).stdout);
    expect(stderr).toBe('lamina: note: left out, because a composition holds overlay options only: ro,noatime\n');
  });

  test('what the kernel would refuse is warned of', () => {
    const { status, stderr } = sh(`lamina command -o lowerdir=a:b,metacopy=on,redirect_dir=nofollow m`, folder());
    expect(status).toBe(0);
    expect(stderr).toMatch(/^lamina: The kernel refuses this \(EINVAL\): /);
  });
});
