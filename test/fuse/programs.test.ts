// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readMountinfo } from '../../src/main/system/mountinfo';
import { unmount } from '../../src/main/system/mount';
import { compareWorkload, makeFixtures } from '../programs/compare.mjs';
import { Engine } from '../programs/engines.mjs';
import { differences, listTree } from '../programs/list-tree.mjs';
import { workloads } from '../programs/workloads.mjs';
import { asOrdinaryUser } from '../support/ordinary-user';
import { makeScratch, removeScratch } from '../support/scratch';
import { installHelpers } from '../../scripts/setup/helpers.mjs';

/* Real programs: how mount programs are called, and what programs do on the mount (clients.md). */

let folder = '';
let made = 0;
beforeAll(() => {
  folder = makeScratch('disk');
  chmodSync(folder, 0o755);
});
afterAll(() => removeScratch(folder));

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program, all its output through pipes: it ends only when nobody has them any more. */
function run(command: readonly string[], cwd = '/'): Result {
  const result = spawnSync(command[0]!, command.slice(1), {
    encoding: 'latin1',
    timeout: 60_000,
    cwd,
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (result.error) throw result.error;
  return result;
}

/** … that must not fail. Returns what it says. */
function say(...command: string[]): string {
  const { status, stdout, stderr } = run(command);
  expect({ command, status, stderr }).toEqual({ command, status: 0, stderr: '' });
  return stdout.replace(/\n$/, '');
}

const built = (name: string): string[] => [process.execPath, resolve('out/main', `${name}.js`)];

/** Layers `a` over `b`, an upper, a workdir and a mount point; the paths are relative to `base`. */
class Stack {
  readonly base = join(folder, `case-${made++}`);
  readonly at = join(this.base, 'm');

  constructor() {
    for (const name of ['', 'a', 'b', 'u', 'w', 'm']) mkdirSync(join(this.base, name));
  }

  path(name: string): string {
    return join(this.base, name);
  }

  put(name: string, content = `${name}\n`): string {
    mkdirSync(join(this.path(name), '..'), { recursive: true });
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** Calls lamina-fuse as a container engine does: relative to a folder, stdout a pipe. */
  call(options: string, program = built('lamina-fuse')): Result {
    return run([...program, '-o', options, this.at], this.base);
  }

  /** … and expects the mount. `U` stands for the upper and its workdir. */
  mount(options: string): this {
    const result = this.call(options.replace(/\bU\b/, 'upperdir=u,workdir=w'));
    expect(result).toMatchObject({ status: 0, stderr: '' });
    return this;
  }

  remount(options: string): this {
    expect(unmount(this.at, false)).toBe(0);
    return this.mount(options);
  }

  names(directory = ''): string[] {
    return readdirSync(join(this.at, directory)).sort();
  }

  read(name: string): string {
    return readFileSync(join(this.at, name), 'latin1');
  }
}

const mountOf = (at: string): ReturnType<typeof readMountinfo>[number] | undefined =>
  readMountinfo().find(({ mountpoint }) => mountpoint === at);

afterEach(() => {
  for (const { mountpoint } of readMountinfo().reverse())
    if (mountpoint.startsWith(`${folder}/`)) unmount(mountpoint, true);
});

describe("fuse-overlayfs's calling convention", () => {
  test('empty elements, unknown words, relative and symlinked lowers; the mount is up when the call returns', () => {
    const stack = new Stack();
    stack.put('a/top');
    stack.put('b/base');
    symlinkSync('a', stack.path('SHORT'));
    const result = stack.call('lowerdir=SHORT:b,upperdir=u,workdir=w,,volatile,frobnicate=1,');
    expect(result).toMatchObject({ status: 0, stdout: '' });
    expect(result.stderr).toMatch(/unknown argument ignored: frobnicate=1/);
    expect(stack.names()).toEqual(['base', 'top']);
    expect(mountOf(stack.at)).toMatchObject({ type: 'fuse.lamina', source: 'lamina-fuse' });
  });

  test("none of the caller's descriptors stays open in the mount process", () => {
    const stack = new Stack();
    const program = ['bash', '-c', 'exec 57>&1; exec "$@"', 'bash', ...built('lamina-fuse')];
    // With the pipe open behind descriptor 57 this would wait until the mount ends.
    expect(stack.call('lowerdir=a:b,upperdir=u,workdir=w', program)).toMatchObject({ status: 0 });
    expect(mountOf(stack.at)).toBeDefined();
  });

  test('failures: status 1, the reason on stderr, nothing mounted', () => {
    const stack = new Stack();
    const cases = [
      ['lowerdir=a:missing', /missing/],
      ['upperdir=u,workdir=w', /lower/],
      ['lowerdir=a,upperdir=u', /workdir/],
      ['lowerdir=a:b,uidmapping=0:1', /uidmapping=0:1/],
      ['lowerdir=a:b,xattr_permissions=2', /xattr_permissions=2 is not supported/],
    ] as const;
    for (const [options, reason] of cases) {
      const result = stack.call(options);
      expect(result).toMatchObject({ status: 1, stdout: '' });
      expect(result.stderr).toMatch(reason);
      expect(mountOf(stack.at)).toBeUndefined();
    }
  });

  test('colons and commas in names, escaped', () => {
    const stack = new Stack();
    stack.put('x:y/colon');
    stack.put('x,y/comma');
    stack.mount(String.raw`lowerdir=x\:y:x\,y`);
    expect(stack.names()).toEqual(['colon', 'comma']);
  });

  test('no upper is read-only; suid, dev, exec, atime: the last word of each counts', () => {
    const stack = new Stack().mount('lowerdir=a:b,dev,nosuid,noexec,exec,atime');
    const words = say('findmnt', '-n', '-o', 'OPTIONS', stack.at).split(',');
    expect(words).toEqual(expect.arrayContaining(['ro', 'nosuid']));
    for (const word of ['nodev', 'noexec', 'noatime']) expect(words).not.toContain(word);
    stack.remount('lowerdir=a:b,U');
    const defaults = say('findmnt', '-n', '-o', 'OPTIONS', stack.at).split(',');
    expect(defaults).toEqual(expect.arrayContaining(['rw', 'nodev', 'noatime', 'default_permissions', 'allow_other']));
    expect(defaults).not.toContain('nosuid');
  });

  test('tuning words, private, redirect_dir=off, fsname and --version', () => {
    const stack = new Stack().mount(
      'lowerdir=a:b,U,private,timeout=5,threaded=1,redirect_dir=off,allow_other,default_permissions,fsync=1,fsname=mine',
    );
    expect(mountOf(stack.at)!.source).toBe('mine');
    expect(say(...built('lamina-fuse'), '--version')).toMatch(/version \d/);
  });

  test('volatile and fsync=0 leave no mark: an engine mounts again at once', () => {
    const stack = new Stack().mount('lowerdir=a:b,U,,volatile');
    for (const options of ['lowerdir=a:b,U,fsync=0', 'lowerdir=a:b,U', 'lowerdir=a:b,U,volatile'])
      stack.remount(options);
    expect(existsSync(stack.path('w/work/incompat'))).toBe(false);
  });

  test('uidmapping and gidmapping, both ways: shown, made, given away, in ACLs; others are nobody', () => {
    const stack = new Stack();
    say('chown', '1000:1000', stack.put('b/f'));
    say('chown', '1001:1001', stack.put('b/g'));
    say('chown', '70000:70000', stack.put('b/out'));
    stack.mount('lowerdir=a:b,U,uidmapping=:1000:5000:10:0:4242:1,gidmapping=:1000:6000:10:0:4343:1');
    const owner = (path: string): string => `${lstatSync(path).uid}:${lstatSync(path).gid}`;
    expect(['f', 'g', 'out', ''].map((name) => owner(join(stack.at, name)))).toEqual([
      '5000:6000',
      '5001:6001',
      '65534:65534',
      '4242:4343',
    ]);
    chmodSync(stack.at, 0o777);
    say('setpriv', '--reuid=5003', '--regid=6004', '--clear-groups', 'touch', join(stack.at, 'made'));
    expect([owner(join(stack.at, 'made')), owner(stack.path('u/made'))]).toEqual(['5003:6004', '1003:1004']);
    say('chown', '5009:6009', join(stack.at, 'f'));
    expect([owner(join(stack.at, 'f')), owner(stack.path('u/f'))]).toEqual(['5009:6009', '1009:1009']);
    expect(run(['chown', '99', join(stack.at, 'g')]).stderr).toMatch(/Invalid argument/);
    say('setfacl', '-m', 'u:5002:rw', join(stack.at, 'g'));
    expect(say('getfacl', '-nc', '--absolute-names', join(stack.at, 'g'))).toMatch(/user:5002:rw-/);
    expect(say('getfacl', '-nc', '--absolute-names', stack.path('u/g'))).toMatch(/user:1002:rw-/);
  });

  test('squash_to_root, squash_to_uid, squash_to_gid: shown so, stored so', () => {
    const stack = new Stack();
    say('chown', '7:8', stack.put('b/f'));
    const shown = (): string => `${lstatSync(join(stack.at, 'f')).uid}:${lstatSync(join(stack.at, 'f')).gid}`;
    stack.mount('lowerdir=a:b,U,squash_to_root');
    expect(shown()).toBe('0:0');
    stack.remount('lowerdir=a:b,U,squash_to_root,squash_to_uid=11,squash_to_gid=12');
    expect(shown()).toBe('11:12');
    say('touch', join(stack.at, 'made'));
    expect(lstatSync(stack.path('u/made'))).toMatchObject({ uid: 11, gid: 12 });
  });

  test('static_nlink: a directory has one link; noacl: no ACL counts', () => {
    const stack = new Stack();
    mkdirSync(stack.path('b/d/e'), { recursive: true });
    stack.mount('lowerdir=b,U');
    expect(lstatSync(join(stack.at, 'd')).nlink).toBe(3);
    stack.remount('lowerdir=b,U,static_nlink');
    expect(lstatSync(join(stack.at, 'd')).nlink).toBe(1);
    say('chmod', '600', stack.put('b/secret'));
    say('setfacl', '-m', 'u:4321:r', stack.path('b/secret'));
    const readAs = (): number | null =>
      run(['setpriv', '--reuid=4321', '--regid=4321', '--clear-groups', 'cat', join(stack.at, 'secret')]).status;
    stack.remount('lowerdir=b,U');
    expect(readAs()).toBe(0);
    stack.remount('lowerdir=b,U,noacl');
    expect(readAs()).toBe(1);
  });

  test('in a user namespace: user.* marks, whiteouts and copy-ups, though nobody gave the mount program a word', () => {
    const { user, folder: home, done } = asOrdinaryUser();
    try {
      const script = `cd "$1"; mkdir a b u w m; mkdir b/d; echo 1 >b/d/f; echo 2 >b/g
        "$2" "$3/out/main/lamina-fuse.js" -o lowerdir=a:b,upperdir=u,workdir=w,,volatile m
        rm -r m/d; mkdir m/d; echo changed >m/g; cat m/g; ls -A m/d; umount m
        getfattr -n user.overlay.opaque --only-values u/d; ls -A u u/d`;
      const args = ['unshare', '-Urm', 'sh', '-euc', script, 'sh', home, process.execPath, user.checkout];
      const result = spawnSync(args[0]!, args.slice(1), {
        encoding: 'utf8',
        uid: user.uid,
        gid: user.gid,
        timeout: 60_000,
        env: { PATH: process.env['PATH'], LAMINA_RUNTIME_DIR: user.runtime },
      });
      expect(result).toMatchObject({ status: 0, stderr: '' });
      expect(result.stdout).toBe('changed\nyu:\nd\ng\n\nu/d:\n.wh..wh..opq\n');
    } finally {
      done();
    }
  });
});

describe('where fuse-overlayfs 1.10 fails', () => {
  test('names of 252 to 255 bytes are made, removed from a lower and made again', () => {
    const stack = new Stack();
    const names = [251, 252, 253, 254, 255].map((length) => 'n'.repeat(length));
    for (const name of names) stack.put(`b/${name}`);
    stack.mount('lowerdir=a:b,U');
    for (const name of names) say('rm', join(stack.at, name));
    expect(stack.names()).toEqual([]);
    expect(stack.remount('lowerdir=a:b,U').names()).toEqual([]);
    for (const name of names) writeFileSync(join(stack.at, name), 'again\n');
    expect(stack.remount('lowerdir=a:b,U').names()).toEqual(names);
    expect(names.map((name) => stack.read(name))).toEqual(names.map(() => 'again\n'));
  });

  test('a lower directory is renamed where redirects are on', () => {
    const stack = new Stack();
    stack.put('b/old/deep/f');
    stack.mount('lowerdir=a:b,U,redirect_dir=on');
    // mv(1) would copy after an EXDEV: perl asks for the rename alone.
    say('perl', '-e', 'rename($ARGV[0], $ARGV[1]) or die "$!\\n"', join(stack.at, 'old'), join(stack.at, 'new'));
    stack.remount('lowerdir=a:b,U,redirect_dir=on');
    expect([stack.names(), stack.read('new/deep/f')]).toEqual([['new'], 'b/old/deep/f\n']);
  });

  test('mknod c 0 0 is refused with EPERM, and the directory lists as before', () => {
    const stack = new Stack();
    stack.put('b/f');
    stack.mount('lowerdir=a:b,U');
    expect(run(['mknod', join(stack.at, 'f2'), 'c', '0', '0']).stderr).toMatch(/Operation not permitted/);
    expect(stack.names()).toEqual(['f']);
  });

  test('link counts and inode numbers stay over a copy-up and a remount', () => {
    const stack = new Stack();
    stack.put('b/one');
    say('ln', stack.path('b/one'), stack.path('b/two'));
    stack.put('b/alone');
    const options = 'lowerdir=a:b,U,index=on';
    stack.mount(options);
    const facts = (): string[] =>
      ['one', 'two', 'alone'].map((name) => {
        const { ino, nlink } = lstatSync(join(stack.at, name));
        return `${name} ${ino} ${nlink}`;
      });
    const before = facts();
    expect(before.map((text) => text.split(' ')[2])).toEqual(['2', '2', '1']);
    for (const name of ['one', 'alone']) writeFileSync(join(stack.at, name), 'changed\n', { flag: 'a' });
    expect(facts()).toEqual(before);
    stack.remount(options);
    expect(facts()).toEqual(before);
    expect(stack.read('two')).toBe('b/one\nchanged\n');
  });

  test('inode numbers of two layer file systems do not meet', () => {
    const stack = new Stack();
    const memory = [1, 2].map(() => makeScratch('tmpfs'));
    try {
      for (const place of memory) for (let i = 0; i < 300; i++) writeFileSync(join(place, `${made}-${i}`), '');
      // Fresh tmpfs instances count from the same number.
      const mounts = ['t1', 't2'].map((name) => stack.path(name));
      for (const [index, at] of mounts.entries()) {
        mkdirSync(at);
        say('mount', '-t', 'tmpfs', 'tmpfs', at);
        for (let i = 0; i < 300; i++) writeFileSync(join(at, `fs${index}-${i}`), '');
      }
      stack.mount('lowerdir=t1:t2:b,U');
      const numbers = stack.names().map((name) => lstatSync(join(stack.at, name), { bigint: true }).ino);
      expect(numbers.length).toBe(600);
      expect(new Set(numbers).size).toBe(600);
    } finally {
      for (const place of memory) removeScratch(place);
    }
  });

  test('an attribute of a symbolic link is set, and the mount lives', () => {
    const stack = new Stack();
    symlinkSync('nowhere', stack.path('b/link'));
    stack.mount('lowerdir=a:b,U');
    say('setfattr', '-h', '-n', 'trusted.note', '-v', 'x', join(stack.at, 'link'));
    expect(
      say('getfattr', '-h', '--only-values', '--absolute-names', '-n', 'trusted.note', join(stack.at, 'link')),
    ).toBe('x');
  });

  test('an open file that was unlinked has no link; its content stays', () => {
    const stack = new Stack();
    stack.put('b/f', 'kept\n');
    stack.mount('lowerdir=a:b,U');
    const script = 'open(F, "+<", $ARGV[0]); unlink $ARGV[0]; print((stat F)[3], " ", scalar <F>)';
    expect(say('perl', '-e', script, join(stack.at, 'f'))).toBe('0 kept');
  });

  test('shared writable mappings reach the file, and other mappings', () => {
    const stack = new Stack();
    stack.put('b/f', `${'x'.repeat(9000)}\n`);
    stack.put('map.c', MAP_PROGRAM);
    say('gcc', '-O1', '-o', stack.path('map'), stack.path('map.c'));
    stack.mount('lowerdir=a:b,U');
    expect(say(stack.path('map'), join(stack.at, 'f'))).toBe('ok');
    expect(stack.remount('lowerdir=a:b,U').read('f')).toBe(`${'x'.repeat(5000)}mapped${'x'.repeat(3994)}\n`);
  });

  test('metacopy files of the kernel: their content with metacopy=on, else EPERM, never NULs', () => {
    const stack = new Stack();
    stack.put('b/f', 'the data\n');
    const paths = `lowerdir=${stack.path('b')},upperdir=${stack.path('u')},workdir=${stack.path('w')}`;
    say('mount', '-t', 'overlay', 'overlay', '-o', `${paths},metacopy=on`, stack.at);
    chmodSync(join(stack.at, 'f'), 0o600);
    unmount(stack.at, false);
    stack.mount('lowerdir=b,U,metacopy=on');
    expect(stack.read('f')).toBe('the data\n');
    stack.remount('lowerdir=b,U');
    expect(() => stack.read('f')).toThrow(/EPERM/);
  });
});

/** Two shared mappings of one file, written through one, read through the other and by read(2). */
const MAP_PROGRAM = `#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv) {
  char got[6];
  int fd = open(argv[argc - 1], O_RDWR), other = open(argv[argc - 1], O_RDONLY);
  char *a = mmap(0, 9001, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *b = mmap(0, 9001, PROT_READ, MAP_SHARED, other, 0);
  if (a == MAP_FAILED || b == MAP_FAILED) return 1;
  memcpy(a + 5000, "mapped", 6);
  if (memcmp(b + 5000, "mapped", 6)) return 2;
  if (pread(other, got, 6, 5000) != 6 || memcmp(got, "mapped", 6)) return 3;
  if (msync(a, 9001, MS_SYNC)) return 4;
  puts("ok");
  return 0;
}
`;

describe("mount(8)'s helper", () => {
  /** mount(8) looks in /sbin alone: there the helper is laid over what is there, in a mount namespace of its own. */
  function withHelper(stack: Stack, script: string, ...args: string[]): Result {
    installHelpers(stack.path('prefix'), resolve('.'));
    const lay =
      'mount -t overlay overlay -o "lowerdir=$1/prefix/sbin:$(readlink -f /sbin)" "$(readlink -f /sbin)"; cd "$1"; ';
    return run(['unshare', '-m', 'sh', '-euc', lay + script, 'sh', stack.base, ...args]);
  }

  test('mount -t fuse.lamina, its source and type in findmnt, umount', () => {
    const stack = new Stack();
    stack.put('b/f');
    const script = `mount -t fuse.lamina -o lowerdir=a:b,upperdir=u,workdir=w,nosuid my-source m
      findmnt -n -o SOURCE,FSTYPE m; findmnt -n -o OPTIONS m; cat m/f; echo new >m/g; umount m; cat u/g`;
    const { status, stdout, stderr } = withHelper(stack, script);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^my-source\s+fuse\.lamina\nrw,nosuid,.*\nb\/f\nnew\n$/);
  });

  test('from fstab, read-only; unknown words are refused with status 32, passed over with -s', () => {
    const stack = new Stack();
    stack.put('fstab', `lamina ${stack.at} fuse.lamina ro,noauto,lowerdir=${stack.path('a')}:${stack.path('b')} 0 0\n`);
    const script = `mount -T fstab "$1/m"; findmnt -n -o OPTIONS m; umount m
      mount -t fuse.lamina -o lowerdir=a:b,frob=1 x m 2>&1 || echo "status $?"
      mount -s -t fuse.lamina -o lowerdir=a:b,frob=1 x m; findmnt -n -o FSTYPE m; umount m`;
    const { status, stdout } = withHelper(stack, script);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ro,[^]*Unknown mount option frob=1[^]*status 32\nfuse.lamina\n$/);
  });

  test('mount.fuse3 finds lamina-fuse by its name', () => {
    const stack = new Stack();
    stack.put('b/f');
    // It looks along a path of its own: the launcher is laid over what is there.
    const script = `mount -t overlay overlay -o "lowerdir=$1/prefix/bin:/usr/bin" /usr/bin
      mount -t fuse lamina-fuse#there m -o lowerdir=a:b
      findmnt -n -o SOURCE,FSTYPE m; cat m/f; umount m`;
    const { stdout, stderr } = withHelper(stack, script);
    expect({ stdout, stderr }).toEqual({ stdout: expect.stringMatching(/there\s+fuse\.lamina\nb\/f\n$/), stderr: '' });
  });
});

describe('whiteouts of image layers', () => {
  test('read in every layer, beside the kernel’s own', () => {
    const stack = new Stack();
    for (const name of ['gone', 'kept', 'dir/x', 'dir/y', 'opaque/old', 'again/old', 'device']) stack.put(`b/${name}`);
    for (const name of ['.wh.gone', 'dir/.wh.x', 'opaque/.wh..wh..opq', 'opaque/new', '.wh.again', 'again/new'])
      stack.put(`a/${name}`, '');
    say('mknod', stack.path('a/device'), 'c', '0', '0');
    stack.mount('lowerdir=a:b');
    expect(['', 'dir', 'opaque', 'again'].map((name) => stack.names(name))).toEqual([
      ['again', 'dir', 'kept', 'opaque'],
      ['y'],
      ['new'],
      ['new'],
    ]);
    for (const name of ['gone', '.wh.gone', 'dir/x', 'opaque/old', 'opaque/.wh..wh..opq'])
      expect(existsSync(join(stack.at, name))).toBe(false);
    for (const args of [['touch'], ['mkdir'], ['ln', join(stack.at, 'kept')], ['ln', '-s', 'x'], ['mkfifo']])
      expect(run([...args, join(stack.at, '.wh.made')]).status).not.toBe(0);
  });

  test('lamina mount and lamina explain take whiteouts=oci; without it the files are files', () => {
    const stack = new Stack();
    stack.put('b/gone');
    stack.put('a/.wh.gone', '');
    const layers = `lowerdir=${stack.path('a')}:${stack.path('b')}`;
    const explain = (options: string): string => run([...built('cli'), 'explain', '-o', options, '/gone']).stdout;
    expect(explain(`${layers},whiteouts=oci`)).toMatch(/whiteout[^]*\.wh\.gone/);
    expect(explain(layers)).not.toMatch(/whiteout/);
    say(...built('cli'), 'mount', '-o', `${layers},whiteouts=oci`, stack.at);
    expect(stack.names()).toEqual([]);
    expect(run([...built('cli'), 'mount', '-o', `${layers},whiteouts=no`, stack.at]).stderr).toMatch(/kernel[^]*oci/);
  });

  test('an upper, packed as it is, is an OCI layer: umoci unpacks what the mount shows', () => {
    const stack = new Stack();
    for (const name of ['gone', 'dir/x', 'dir/deep/y', 'replaced/old', 'moved/z', 'f']) stack.put(`b/${name}`);
    stack.mount('lowerdir=b,U');
    const script = `cd "$1"; rm gone dir/x; rm -r replaced; mkdir replaced; echo new >replaced/new; mv moved elsewhere
      rm f; mkdir f; echo in >f/in; rm -r dir/deep; echo file >dir/deep; mkdir fresh; echo 1 >fresh/1; rm -r fresh`;
    say('sh', '-euc', script, 'sh', stack.at);
    const image = stack.path('image');
    const umoci = (...args: string[]): string => run(['umoci', ...args], stack.base).stderr;
    umoci('init', '--layout', image);
    umoci('new', '--image', `${image}:t`);
    for (const layer of ['b', 'u']) {
      say('tar', '-c', '-f', stack.path(`${layer}.tar`), '-C', stack.path(layer), '.');
      umoci('raw', 'add-layer', '--image', `${image}:t`, stack.path(`${layer}.tar`));
    }
    const said = umoci('unpack', '--image', `${image}:t`, stack.path('bundle'));
    expect(existsSync(stack.path('bundle/rootfs/replaced/new')), said).toBe(true);
    // umoci sets times of directories by its layers' order; all else must be the same.
    const list = (root: string): string[] => listTree(root, { since: 0 });
    expect(differences(list(stack.at), list(stack.path('bundle/rootfs')))).toEqual([]);
  });
});

describe('container engines that mount by lamina-fuse', () => {
  test('buildah: layers from scratch, commit, changes over layers; podman runs the result', () => {
    const program = join(folder, 'prefix/bin/lamina-fuse');
    installHelpers(join(folder, 'prefix'), resolve('.'));
    const lists: string[][] = [];
    for (const [name, mountProgram] of [
      ['kernel', null],
      ['lamina', program],
    ] as const) {
      const engine = new Engine(join(folder, `engine-${name}`), mountProgram);
      try {
        engine.buildLayers('/usr/bin/busybox');
        const { type, lines } = engine.listImage('three');
        expect(type).toBe(mountProgram === null ? 'overlay' : 'fuse.lamina');
        lists.push(lines);
        const ran = engine.podmanRun('three', [
          '/bin/sh',
          '-c',
          'rm /etc/moved; ls /dir /becomes-dir; echo made >/made',
        ]);
        expect(ran).toMatchObject({ status: 0, stdout: '/becomes-dir:\nby-run\n\n/dir:\nagain\n' });
      } finally {
        engine.remove();
      }
    }
    expect(differences(lists[0], lists[1])).toEqual([]);
  });
});

describe("programs on the mount leave what they leave on the kernel's overlayfs", () => {
  let fixtures: unknown;
  beforeAll(() => {
    mkdirSync(join(folder, 'programs'));
    fixtures = makeFixtures(join(folder, 'programs'));
  });
  test.each(workloads as { name: string }[])('$name', (workload) => {
    expect(compareWorkload(workload, fixtures, join(folder, 'programs'))).toEqual([]);
  });
});
