// SPDX-License-Identifier: MIT
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ByteString } from '@shared/bytes';
import type { MountInfo } from '@shared/contract';
import type { EntryRow, Explanation } from '@shared/view';
import { shQuote } from '../../src/main/commands/sh-quote';
import { readMountinfo } from '../../src/main/system/mountinfo';
import type { CliResult } from '../support/cli';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file, makeTree, symlink, whiteout } from '../support/tree';

/* The built `lamina`, command by command, on real layers. It is run by a shell from a script, as a user does and as
   spawn cannot: Node writes the arguments of a child as UTF-8. */

const PROGRAM = resolve('out/main/cli.js');
const METACOPY = { 'trusted.overlay.metacopy': '' };
let at = '';

const bytes = (text: ByteString): Buffer => Buffer.from(text, 'latin1');
const isMounted = (path: ByteString): boolean => readMountinfo().some((mount) => mount.mountpoint === path);

beforeAll(() => {
  at = makeScratch('disk');
  for (const name of ['w', 'm', 'run']) mkdirSync(join(at, name));
  const marked = (content: string, redirect: string) =>
    file(content, { xattrs: { ...METACOPY, 'trusted.overlay.redirect': redirect } });
  makeTree(`${at}/u`, dir({ written: file('upper\n') }));
  makeTree(
    `${at}/a`,
    dir({
      etc: dir({ hosts: file('a\n'), gone: whiteout() }),
      opaque: dir({ new: file() }, { xattrs: { 'trusted.overlay.opaque': 'y' } }),
      renamed: dir({}, { xattrs: { 'trusted.overlay.redirect': '/old' } }),
      captured: marked('', '/lib'),
      alone: file('', { xattrs: METACOPY }),
      broken: dir({}, { xattrs: { 'trusted.overlay.redirect': 'a/b' } }),
      link: symlink('etc/hosts'),
      'caf\xe9': dir({ '\xff\xfe': file('bytes\n') }),
      suid: file('', { mode: 0o4755, mtime: [86_400, 0] }),
    }),
  );
  makeTree(
    `${at}/b`,
    dir({
      etc: dir({ hosts: file('below\n'), gone: file('gone\n'), passwd: file('b\n') }),
      opaque: dir({ under: file() }),
      old: dir({ file: file('moved\n') }),
      broken: dir(),
      big: marked('', '/objects/1'),
      lib: file('not meant\n'),
      null: { kind: 'char', major: 1, minor: 3 },
    }),
  );
  makeTree(`${at}/d`, dir({ objects: dir({ 1: file('data\n') }), lib: file('meant\n') }));
});

afterAll(() => {
  expect(readFileSync('/proc/self/mounts', 'latin1')).not.toContain(at);
  removeScratch(at);
});

/** Runs a line of sh in the scratch folder, with `lamina` on its path. */
function sh(line: ByteString): CliResult {
  const script = join(at, 'script.sh');
  writeFileSync(script, bytes(`lamina() { ${shQuote(process.execPath)} ${shQuote(PROGRAM)} "$@"; }\n${line}\n`));
  const env = { PATH: process.env['PATH'], LAMINA_RUNTIME_DIR: join(at, 'run') };
  const { status, stdout, stderr, error } = spawnSync('sh', [script], { cwd: at, env, timeout: 60_000 });
  if (error) throw error;
  const result = { status, stdout: stdout.toString('latin1'), stderr: stderr.toString('latin1') };
  expect(result.stderr, 'a stack trace').not.toMatch(/^\s+at |node:internal|unexpected:/m);
  return result;
}

const LAYERS = 'lowerdir=a:b::d,metacopy=on';
const said = (line: ByteString): string => {
  const { status, stdout, stderr } = sh(line);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};
/** Wrong usage: told in two lines, nothing on stdout. */
const misused = (line: ByteString, text: string): void =>
  expect(sh(line)).toEqual({ status: 2, stdout: '', stderr: `lamina: ${text}\nTry: lamina help\n` });
const failed = (line: ByteString, ...texts: string[]): void => {
  const { status, stdout, stderr } = sh(line);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^lamina: .+\n.+\n$/);
  for (const text of texts) expect(stderr).toContain(text);
};

describe('lamina help and version', () => {
  test('tell what there is', () => {
    const help = said('lamina help');
    for (const word of ['mount', 'umount', 'mounts', 'ls', 'explain', 'command', 'version']) {
      expect(help).toContain(`lamina ${word}`);
    }
    for (const same of ['lamina', 'lamina --help', 'lamina -h', 'lamina help mount', 'lamina mount --help'])
      expect(said(same)).toBe(help);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(said('lamina version')).toBe(`${version}\n`);
    expect(said('lamina --version')).toBe(`${version}\n`);
    expect(JSON.parse(said('lamina version --json'))).toEqual({ version });
  });

  test('wrong usage is told in two lines, with status 2', () => {
    misused('lamina bogus', 'unknown command bogus');
    misused('lamina constructor', 'unknown command constructor');
    misused('lamina help me', 'unknown command me');
    misused('lamina ls --bad', "Unknown option '--bad'");
    misused('lamina ls', '-o OPTIONS is missing');
    misused('lamina ls -o', "Option '-o, --options <value>' argument missing");
    misused('lamina mount -o lowerdir=a', 'MOUNTPOINT is missing');
    misused('lamina mount -o lowerdir=a m more', 'too many arguments: more');
    misused('lamina mount -o lowerdir=a --transport tcp m', '--transport is direct or fuse-native');
    misused('lamina umount', 'MOUNTPOINT is missing');
    misused('lamina mounts here', 'too many arguments: here');
    misused('lamina explain -o lowerdir=a', 'PATH is missing');
    misused('lamina "$(printf \'b\\377\')"', 'unknown command b\\xff');
    expect(sh('lamina command -o lowerdir=a --form nfs').stderr).toContain('--form is one of mount, fsconfig, fstab');
  });
});

describe('lamina ls', () => {
  test('a line a name, in columns: origin, mode, owner, size, time, name, state', () => {
    const lines = said(`lamina ls -o ${LAYERS}`).trimEnd().split('\n');
    const line = (name: string): string => lines.find((each) => each.includes(`  ${name}`))!;
    expect(line('big').replace(/\d{4}-.{14}/, 'TIME')).toMatch(
      /^B\xe2\x86\x92C {2}-rw-r--r-- {2}0:0 +0 {2}TIME {2}big {2}\[metacopy redirect\]$/,
    );
    expect(line('captured')).toMatch(/^A\xe2\x86\x92B .*\[metacopy redirect captured\]$/);
    expect(line('etc')).toMatch(/^A\+B +drwxr-xr-x/);
    expect(line('renamed')).toMatch(/^A\+B .*\[redirect\]$/);
    expect(line('opaque')).toMatch(/^A +d.*\[opaque\]$/);
    expect(line('suid')).toMatch(/^A +-rwsr-xr-x {2}0:0 +0 {2}1970-01-02 00:00:00 {2}suid$/);
    expect(line('null')).toMatch(/^B +crw-r--r-- {2}0:0 +1,3 /);
    expect(line('broken')).toMatch(/^A +\?{10} {2}\? +\? {2}\? +broken {2}\[listed EINVAL\]$/);
    expect(line('alone')).toMatch(/\[listed EIO\]$/);
    expect(line('caf\\xe9')).toMatch(/^A +drwx/);
    const column = (text: string): number =>
      Buffer.from(text, 'latin1')
        .toString()
        .search(/[-dlcb?][-rwxs?]{9}/);
    expect(new Set(lines.map(column)).size, 'modes stand in one column').toBe(1);
    expect(lines.filter((each) => each !== each.trimEnd())).toEqual([]);
  });

  test('--hidden adds what is not visible', () => {
    expect(said(`lamina ls -o ${LAYERS} /etc`)).not.toContain('gone');
    expect(said(`lamina ls --hidden -o ${LAYERS} /etc`)).toMatch(/gone {2}\[whiteout hidden\]\n/);
    expect(said(`lamina ls --hidden -o ${LAYERS} /opaque`)).toMatch(/^B .*under {2}\[hidden\]$/m);
  });

  test('--json', () => {
    const rows = JSON.parse(said(`lamina ls --json -o ${LAYERS} /etc`)) as (EntryRow & { from: string[] })[];
    expect(rows.map(({ name, from, size }) => ({ name, from, size }))).toEqual([
      { name: 'hosts', from: ['A'], size: 2 },
      { name: 'passwd', from: ['B'], size: 2 },
    ]);
  });

  test('a file, a path without its slash, one with . and .., and names that are not UTF-8', () => {
    expect(said(`lamina ls -o ${LAYERS} etc/../etc/./hosts`)).toMatch(/ hosts\n$/);
    expect(said(`lamina ls -o ${LAYERS} "$(printf '/caf\\351')"`)).toMatch(/ \\xff\\xfe\n$/);
    expect(said(`lamina ls -o ${LAYERS} "$(printf '/caf\\351/\\377\\376')"`)).toMatch(/ \\xff\\xfe\n$/);
  });

  test('what it cannot list', () => {
    failed(`lamina ls -o ${LAYERS} /nope`, '/nope: Not visible: no layer', 'lamina explain');
    failed(`lamina ls -o ${LAYERS} /etc/gone`, 'a whiteout in A removes the name');
    failed(`lamina ls -o ${LAYERS} /alone`, 'EIO: metacopy with no lower data found');
    failed(`lamina ls -o ${LAYERS} /etc/hosts/x`, '/etc/hosts is a file, not a directory (ENOTDIR)');
    failed(`lamina ls -o ${LAYERS} /link/x`, 'not followed here; this one leads to etc/hosts');
  });
});

describe('the options', () => {
  test('empty elements, the words of mount(8), several -o, relative layers and layers by a symbolic link', () => {
    symlinkSync('../b', join(at, 'run/l'));
    const plain = said('lamina ls -o lowerdir=a:b /etc');
    for (const options of [
      'lowerdir=a:b,,',
      ',lowerdir=a:b,,userxattr,index=off,',
      'ro,nodev,lowerdir=a:b,noatime,private',
      `lowerdir=${at}/a:./run/l`,
      'lowerdir=a:b -o volatile',
      'lowerdir+=a,lowerdir+=b',
    ]) {
      const result = sh(`lamina ls -o ${options} /etc`);
      expect(result, options).toEqual({ status: 0, stdout: plain, stderr: '' });
    }
    expect(plain).toContain('passwd');
    const engine = 'lowerdir=a:b,upperdir=u,workdir=w,,volatile';
    expect(said(`lamina ls -o ${engine}`)).toMatch(/^U .* written$/m);
  });

  test('paths given as raw bytes, and escaped', () => {
    for (const name of ['l\xe9\xff', 'a,b:c', 'back\\slash']) {
      mkdirSync(bytes(`${at}/${name}`));
      writeFileSync(bytes(`${at}/${name}/inside`), '');
      const option = `lowerdir=${name.replace(/[\\:,]/g, '\\$&')}:b`;
      expect(said(`lamina ls -o ${shQuote(option)}`), name).toMatch(/^A .* inside$/m);
    }
  });

  test('what cannot be used is told with the path or the option, and the way out', () => {
    failed('lamina ls -o lowerdir=a,foo=1', 'Unknown mount option foo=1.', 'metacopy, redirect_dir');
    failed('lamina ls -o lowerdir=a,squash_to_root', 'Unknown mount option squash_to_root.');
    failed('lamina ls -o lowerdir=a:zz', `Layer ${at}/zz does not exist (ENOENT)`, 'Check the path');
    failed('lamina ls -o lowerdir=a/link:b', `${at}/a/link`);
    failed('lamina ls -o lowerdir=a/suid', `${at}/a/suid`);
    failed('lamina ls -o lowerdir=a,metacopy=yes', 'metacopy=yes', 'on or off');
    failed('lamina ls -o lowerdir=a,volatile=1', 'volatile takes no value');
    failed('lamina ls -o ""', 'no lower layer', 'at least one lowerdir');
    failed('lamina ls -o lowerdir=a,upperdir=', 'upperdir needs a path');
    const { status, stderr } = sh('lamina ls -o lowerdir=a,workdir=w /etc');
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: 'lamina: note: workdir=w has no effect: there is no upperdir\n',
    });
  });
});

describe('lamina explain', () => {
  const explain = (path: ByteString, options = LAYERS): { status: number | null; text: string; json: Explanation } => {
    const { status, stdout, stderr } = sh(`lamina explain -o ${options} ${shQuote(path)}`);
    expect(stderr).toBe('');
    const json = JSON.parse(sh(`lamina explain --json -o ${options} ${shQuote(path)}`).stdout) as Explanation;
    expect(stdout.startsWith(`${json.path}\n${json.summary}\n`)).toBe(true);
    expect(status).toBe(json.visible ? 0 : 1);
    return { status, text: stdout, json };
  };

  test.each<[string, ByteString, number, readonly string[]]>([
    ['a file', '/etc/hosts', 0, ['File from A.', 'A  both', 'B  hidden']],
    ['a merged directory', '/etc', 0, ['Directory merged from A, B.', 'A  merged', 'B  merged']],
    ['the root', '/', 0, ['The root of 2 merged layers.']],
    ['a whiteout', '/etc/gone', 1, ['a whiteout in A removes the name', 'A  whiteout', 'B  hidden']],
    [
      'an opaque directory',
      '/opaque',
      0,
      ['Directory from A alone.', '[opaque=y]', 'trusted.overlay.opaque = y (private)'],
    ],
    ['what an opaque parent hides', '/opaque/under', 1, ['Not visible', 'B  hidden', 'not merged']],
    ['a redirect', '/renamed', 0, ['Directory merged from A, B.', '[redirect=/old]', '/b/old']],
    ['below a redirect', '/renamed/file', 0, ['File from B.', '/b/old/file']],
    [
      'data in a data-only layer',
      '/big',
      0,
      ['data from data-only layer C', '[metacopy, redirect=/objects/1]', '/d/objects/1'],
    ],
    ['a captured redirect', '/captured', 0, ['Metadata from A, data from B.', 'Captured: ', '/b/lib']],
    ['a metacopy without data', '/alone', 1, ['stat gives EIO', 'no lower data']],
    ['an invalid redirect', '/broken', 1, ['stat gives EINVAL', '[redirect=a/b]']],
    ['a name no layer has', '/nope', 1, ['no layer that is merged here has the name', 'A  absent', 'B  absent']],
    ['a symbolic link', '/link', 0, ['link to etc/hosts']],
    ['a name that is not UTF-8', '/caf\xe9/\xff\xfe', 0, ['/caf\\xe9/\\xff\\xfe', 'File from A.']],
  ])('%s', (_, path, status, texts) => {
    const told = explain(path);
    expect(told.status).toBe(status);
    for (const text of texts) expect(told.text).toContain(text);
    expect(told.json.ladder.map(({ layer }) => layer)).toEqual([0, 1, 2]);
  });

  test('EPERM where the options follow no redirects', () => {
    const told = explain('/renamed', 'lowerdir=a:b,redirect_dir=nofollow');
    expect(told.json.errno).toBe('EPERM');
    expect(told.text).toContain('EPERM: refusing to follow redirect');
  });

  test('the paths it names are there for getfattr(1)', () => {
    const { text } = explain('/renamed');
    const paths = [...text.matchAll(/^ {2}[A-Z]+ +merged +(\S+)/gm)].map(([, path]) => path!);
    expect(paths).toEqual([`${at}/a/renamed`, `${at}/b/old`]);
    expect(
      execFileSync('getfattr', ['--absolute-names', '-n', 'trusted.overlay.redirect', ...paths.slice(0, 1)]).toString(),
    ).toContain('"/old"');
  });

  test('a path beyond a file', () => {
    failed(`lamina explain -o ${LAYERS} /etc/hosts/x`, '/etc/hosts/x: /etc/hosts is a file');
  });
});

describe('lamina mount, mounts and umount', () => {
  const list = (): MountInfo[] => JSON.parse(said('lamina mounts --json')) as MountInfo[];

  test.each(['direct', 'fuse-native'])('mount, use and unmount (%s)', (transport) => {
    expect(sh(`lamina mount --transport ${transport} -o lowerdir=a:b,, m`)).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    expect(readFileSync(join(at, 'm/etc/hosts'), 'utf8')).toBe('a\n');
    expect(said('lamina mounts')).toMatch(
      new RegExp(`^${at}/m  ${transport} +pid \\d+  since \\d{4}-\\S+Z  lowerdir=${at}/a:${at}/b\n$`),
    );
    expect(list()).toMatchObject([{ mountpoint: `${at}/m`, transport, options: `lowerdir=${at}/a:${at}/b`, ok: true }]);
    failed('lamina mount -o lowerdir=a:b m', `${at}/m is already a mount of Lamina's`, `lamina umount ${at}/m`);
    expect(said('lamina umount m/')).toBe('');
    expect(isMounted(join(at, 'm'))).toBe(false);
    expect(list()).toEqual([]);
    expect(said('lamina mounts')).toBe('');
  });

  test('--json tells of the mount; a source given by fsname shows in the mount table', () => {
    const made = JSON.parse(said('lamina mount --json -o lowerdir=a:b,fsname=mine,nosuid m')) as MountInfo;
    expect(made).toMatchObject({ mountpoint: `${at}/m`, display: `${at}/m` });
    expect(readFileSync('/proc/self/mounts', 'utf8')).toMatch(new RegExp(`^mine ${at}/m fuse.lamina ro,nosuid`, 'm'));
    expect(list().map(({ id }) => id)).toEqual([made.id]);
    said(`lamina umount ${at}/m`);
  });

  test('an upper is mounted writable: what is changed goes there', () => {
    said('lamina mount -o lowerdir=a:b,upperdir=u,workdir=w m');
    expect(sh('echo x > m/new; cat m/new; cat u/new').stdout).toBe('x\nx\n');
    said('lamina umount m');
    expect(readdirSync(join(at, 'u'))).toEqual(['new', 'written']);
    sh('rm u/new');
  });

  test('with ro an upper is shown, and not written', () => {
    said('lamina mount -o ro,lowerdir=a:b,upperdir=u,workdir=w m');
    expect(sh('echo x > m/new').stderr).toMatch(/Read-only file system/);
    expect(readdirSync(join(at, 'u'))).toEqual(['written']);
    said('lamina umount m');
  });

  test('what the kernel would refuse is noted, and mounted where it can be', () => {
    const { status, stderr } = sh('lamina mount -o lowerdir=a:b,userxattr,metacopy=on m');
    expect(status).toBe(0);
    expect(stderr).toBe('lamina: note: the kernel would refuse this stack: userxattr does not go with metacopy=on.\n');
    said('lamina umount m');
  });

  test('a busy mount is not taken down, and told how to; --lazy detaches it', () => {
    said('lamina mount -o lowerdir=a:b m');
    const { stdout, stderr } = sh(
      'exec 5< m/etc/hosts; lamina umount m; echo $?; lamina umount --lazy m; echo $?; cat <&5',
    );
    expect(stdout).toBe('1\n0\na\n');
    expect(stderr).toContain(`${at}/m cannot be unmounted (EBUSY).\nClose what uses it (fuser -vm ${at}/m)`);
    expect(isMounted(join(at, 'm'))).toBe(false);
  });

  test('a mount point given as raw bytes', () => {
    const made = bytes(`${at}/m\xff\xfe`);
    mkdirSync(made);
    expect(said(`lamina mount -o lowerdir=a:b "$(printf 'm\\377\\376')"`)).toBe('');
    expect(readFileSync(Buffer.concat([made, bytes('/etc/hosts')]), 'utf8')).toBe('a\n');
    expect(said('lamina mounts')).toContain(`${at}/m\\xff\\xfe  direct`);
    said(`lamina umount "$(printf 'm\\377\\376')"`);
  });

  test('what cannot be mounted or unmounted', () => {
    failed('lamina mount -o lowerdir=a:b nope', `Mount point ${at}/nope cannot be used (ENOENT)`, 'mkdir -p');
    failed('lamina mount -o lowerdir=a:zz m', `Layer ${at}/zz does not exist`);
    failed('lamina mount -o lowerdir=a:b,upperdir=u m', 'workdir');
    failed('lamina mount -o upperdir=u,workdir=w m', 'lower');
    failed('lamina mount -o lowerdir=a:a m', `${at}/a`);
    failed('lamina umount m', `${at}/m is not a mount of Lamina's`, 'lamina mounts');
    failed('lamina umount /proc', "/proc is not a mount of Lamina's", 'umount(8)');
    expect(isMounted(join(at, 'm'))).toBe(false);
  });
});
