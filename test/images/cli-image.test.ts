// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Image } from '@shared/images';
import { OciFolder } from '../../src/main/images/destinations/oci-folder';
import { lamina, type CliResult } from '../support/cli';
import { commitRange, commitStack, send } from '../support/committed';
import { buildStack, kernelOptions, withKernelMount, type BuiltStack } from '../support/kernel';
import { writeThroughKernel } from '../support/kernel-upper';
import { Peers } from '../support/peers';
import { startRegistry, type Registry } from '../support/registry';
import { makeScratch, removeScratch } from '../support/scratch';
import { seenTree } from '../support/seen-tree';
import { dir, file, symlink } from '../support/tree';
import { firstDifferences } from '../support/view';

/* `lamina image …`, built, with real peers: what it says, and what it leaves. */

let origin = '';
let at = '';
let store = '';
let peers: Peers;

/** An image of two layers, as umoci and podman might have made it. */
beforeAll(async () => {
  origin = makeScratch('disk');
  mkdirSync(join(origin, 's'));
  const built = buildStack(join(origin, 's'), {
    upper: dir({ etc: dir({ motd: file('hello\n') }), opt: dir({ tool: file('t'.repeat(5000)) }) }),
    lowers: [
      dir({ etc: dir({ hosts: file('localhost\n'), motd: file('old\n') }), bin: dir({ sh: symlink('busybox') }) }),
    ],
    data: [],
  });
  const edits = { command: ['/bin/sh'], environment: ['PATH=/bin'], labels: ['a=b'] };
  await send(await commitStack(built, { edits }), await OciFolder.open(join(origin, 'oci'), 'a'));
});
afterAll(() => removeScratch(origin));

beforeEach(() => {
  // In memory: a store syncs its whole file system, which on a disk may be full of what others write.
  at = makeScratch('tmpfs');
  store = join(at, 'store');
  peers = new Peers(join(at, 'peers'));
});
afterEach(() => {
  peers.close();
  removeScratch(at);
});

const run = (args: readonly string[], environment: Record<string, string> = {}): CliResult =>
  lamina(
    { runtime: join(at, 'run'), environment: { LAMINA_STORE: store, HOME: at, ...environment } },
    'image',
    ...args,
  );

function said(...args: string[]): string {
  const { status, stdout, stderr } = run(args);
  expect({ status, stderr }, args.join(' ')).toEqual({ status: 0, stderr: expect.any(String) });
  return stdout;
}
const digestOf = (line: string): string => line.split(/\s/, 1)[0]!;
const imported = (name = 'demo'): string => digestOf(said('import', '--quiet', `oci:${origin}/oci:a`, '--name', name));
const inspected = (name: string): Image => JSON.parse(said('inspect', '--json', name)) as Image;

/** A stack of an image with an upper in which the kernel has written. */
function changed(name: string, lines: string): { built: BuiltStack; options: string } {
  const folder = join(at, `stack-${readdirSync(at).length}`);
  mkdirSync(folder);
  const lowers = inspected(name)
    .layers.map(({ folder: path }) => ({ id: path, path }))
    .reverse();
  const built = { ...buildStack(folder, { upper: dir(), lowers: [], data: [] }), lowers };
  writeThroughKernel(built, ['redirect_dir=on'], lines);
  return { built, options: kernelOptions(built, ['redirect_dir=on']) };
}

describe('the store', () => {
  test('takes an image in, lists and tells it', () => {
    const { status, stdout, stderr } = run(['import', `oci:${origin}/oci:a`, '--name', 'demo']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^sha256:[0-9a-f]{64} {2}docker\.io\/library\/demo:latest\n$/);
    expect(stderr).toMatch(/^layer sha256:[0-9a-f]{12}: \d+ B$/m);
    const [head, line] = said('ls').split('\n');
    expect(head).toMatch(/^NAME +ID +PLATFORM +LAYERS +SIZE +SHARED +CREATED$/);
    expect(line).toMatch(/^docker\.io\/library\/demo:latest +[0-9a-f]{12} +linux\/amd64 +2 +\S+ k?B +0 B +2020-01-02$/);
    const [listed] = JSON.parse(said('ls', '--json')) as (Image & { layers: number })[];
    expect(listed).toMatchObject({
      digest: digestOf(stdout),
      references: ['docker.io/library/demo:latest'],
      layers: 2,
    });
    expect(said('inspect', 'demo')).toContain('command   ["/bin/sh"]');
    expect(digestOf(said('inspect', 'demo').split('\n')[1]!.replace('digest    ', ''))).toBe(digestOf(stdout));
    expect(JSON.parse(said('inspect', '--config', 'demo'))).toMatchObject({ config: { Env: ['PATH=/bin'] } });
    expect(said('check')).toBe('1 image, 2 layers, 2 blobs: all as it should be.\n');
  });

  test('gives the stack of an image, which the kernel and Lamina mount', () => {
    imported();
    const options = said('layers', 'demo').trimEnd();
    const folders = (JSON.parse(said('layers', '--json', 'demo')) as { folder: string }[]).map(({ folder }) => folder);
    expect(options).toBe(`lowerdir=${folders.reverse().join(':')}`);
    const lowers = folders.map((path) => ({ id: path, path }));
    const names = withKernelMount({ folder: at, upper: null, lowers, data: [] }, [], (root) => readdirSync(root));
    expect(names).toEqual(expect.arrayContaining(['bin', 'etc', 'opt']));
    const shown = lamina({ runtime: join(at, 'run') }, 'ls', '-o', options, '/etc');
    expect(shown.stdout).toContain('motd');
  });

  test('names images and takes names away; what is left without one goes when it is said so', () => {
    const digest = imported();
    expect(said('tag', 'demo', 'other:1', 'localhost:5000/x/y:2')).toBe(
      'docker.io/library/other:1\nlocalhost:5000/x/y:2\n',
    );
    said('untag', 'other:1');
    expect(inspected(digest).references).toEqual(['docker.io/library/demo:latest', 'localhost:5000/x/y:2']);
    expect(said('gc', '--dry-run')).toBe('Nothing is to be collected.\n');
    said('rm', 'demo');
    expect(said('gc', '--dry-run')).toContain(`image ${digest}`);
    const refused = run(['gc']);
    expect([refused.status, refused.stderr]).toEqual([1, 'lamina: Nothing was removed. Add --yes to do it.\n']);
    said('gc', '--yes');
    expect(said('ls', '--json')).toBe('[]\n');
    expect(readdirSync(join(store, 'layers/real'))).toEqual([]);
  });

  test('says what is damaged', () => {
    imported();
    writeFileSync(join(inspected('demo').layers[1]!.folder, 'opt/tool'), 'x');
    const { status, stdout } = run(['check']);
    expect(status).toBe(1);
    expect(stdout).toContain('opt/tool');
  });
});

describe('out of the store', () => {
  test('an image goes with its exact bytes', () => {
    const digest = imported();
    expect(said('export', 'demo', `oci:${at}/oci:b`)).toBe(`${digest}\n`);
    const blobs = (folder: string): string[] => readdirSync(join(folder, 'blobs/sha256')).sort();
    expect(blobs(join(at, 'oci'))).toEqual(blobs(join(origin, 'oci')));
    expect(JSON.parse(said('export', '--json', 'demo', `oci-archive:${at}/a.tar:b`))).toEqual({
      digest,
      isExact: true,
    });
    expect(peers.skopeo('inspect', '--format', '{{.Digest}}', `oci-archive:${at}/a.tar:b`).trim()).toBe(digest);
    said('export', 'demo', `docker-archive:${at}/d.tar`);
    expect(peers.skopeo('list-tags', `docker-archive:${at}/d.tar`)).toContain('docker.io/library/demo:latest');
  });

  test('it goes in another packing where that is asked for, and says so', () => {
    const digest = imported();
    const { stdout, stderr } = run(['export', 'demo', `oci:${at}/oci:zstd`, '--repack', '--compression', 'zstd']);
    expect(stderr).toContain(`in the store it is ${digest}`);
    expect(digestOf(stdout)).not.toBe(digest);
    said('import', '--quiet', `oci:${at}/oci:zstd`, '--name', 'zstd');
    expect(said('diff', 'demo', 'zstd')).toBe('No difference.\n');
    expect(inspected('zstd').id).toBe(inspected('demo').id);
    expect(run(['export', 'zstd', `docker://localhost:1/x`, '--format', 'docker']).stderr).toContain('EOPNOTSUPP');
    expect(run(['export', 'zstd', `oci:${at}/oci:no`, '--format', 'docker']).status).toBe(2);
  });

  test("an image of podman's store, used in place, leaves with the tars that podman recorded", () => {
    peers.pull('overlay', `oci:${origin}/oci:a`, 'pod:1');
    const place = `[overlay@${at}/peers/overlay/root+${at}/peers/overlay/run]`;
    said('import', '--quiet', '--in-place', `containers-storage:${place}pod:1`, '--name', 'pod');
    const { layers } = inspected('pod');
    expect(layers.map(({ keeper }) => keeper)).toEqual(['containers-storage', 'containers-storage']);
    const { status, stderr } = run(['export', 'pod', `oci:${at}/oci:p`]);
    expect(status, stderr).toBe(0);
    const diffIds = (source: string): unknown =>
      (JSON.parse(peers.skopeo('inspect', '--config', source)) as { rootfs: unknown }).rootfs;
    expect(diffIds(`oci:${at}/oci:p`)).toEqual(diffIds(`oci:${origin}/oci:a`));
  });
});

describe('a registry', () => {
  let registry: Registry;
  beforeEach(async () => {
    registry = await startRegistry({ folder: join(at, 'registry') });
  });
  afterEach(() => registry.stop());

  test('gets an image and gives it back', () => {
    const digest = imported();
    const to = `${registry.host}/demo/app:1`;
    expect(said('push', 'demo', to, '--tls-verify', 'false')).toBe(`${digest}\n`);
    const seen = peers.skopeo('inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${to}`);
    expect(seen.trim()).toBe(digest);
    expect(digestOf(said('import', '--quiet', `docker://${to}`, '--tls-verify', 'false'))).toBe(digest);
    expect(inspected(digest).references).toEqual([to, 'docker.io/library/demo:latest'].sort());
    // In Docker's form, and from there into a layout, which holds none of these.
    run(['push', 'demo', `${registry.host}/demo/docker:1`, '--tls-verify', 'false', '--format', 'docker']);
    said('import', '--quiet', `docker://${registry.host}/demo/docker:1`, '--tls-verify', 'false', '--name', 'docker');
    expect(JSON.parse(said('inspect', '--manifest', 'docker'))).toMatchObject({
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }, {}],
    });
    said('export', '--quiet', 'docker', `oci:${at}/oci:d`);
    expect(peers.skopeo('inspect', '--format', '{{.Digest}}', `oci:${at}/oci:d`).trim()).toBe(digest);
    // A second image on the same layers sends the new one alone.
    const { options } = changed('demo', 'echo new > etc/new');
    said('commit', '-o', options, '--name', 'next');
    const pushed = run(['push', 'next', `${registry.host}/demo/next:1`, '--tls-verify', 'false']);
    expect(pushed.stderr.split('\n').filter((line) => line.endsWith('there already'))).toHaveLength(2);
  });
});

describe('commit', () => {
  test('makes an image of the upper on the image below it', () => {
    imported();
    const { built, options } = changed(
      'demo',
      'echo more >> etc/hosts; mv opt app; rm etc/motd; ln etc/hosts etc/also',
    );
    const flags = ['--name', 'next:1', '--user', '1000', '--env', 'A=b', '--label', 'a', '-m', 'for the test'];
    said('commit', '-o', options, ...flags);
    const { layers, config } = inspected('next:1');
    expect(layers.map(({ createdBy, sharedBy }) => [createdBy, sharedBy])).toEqual([
      ['layers 1 to 1', 2],
      ['layers 0 to 0', 2],
      ['lamina image commit', 1],
    ]);
    expect(config).toMatchObject({ user: '1000', environment: ['PATH=/bin', 'A=b'], labels: {}, command: ['/bin/sh'] });
    const lowers = layers.map(({ folder: path }) => ({ id: path, path })).reverse();
    const below = { folder: built.folder, upper: null, lowers, data: [] };
    const views = [withKernelMount(built, ['redirect_dir=on'], seenTree), withKernelMount(below, [], seenTree)];
    expect(firstDifferences(views[0] as string[], views[1] as string[])).toEqual([]);
    expect(said('diff', 'demo', 'next:1').split('\n').slice(-2)[0]).toMatch(/^\d+ added, .* more, .* less\.$/);
    said('export', '--quiet', 'next:1', `oci:${at}/oci:n`);
    expect(peers.withUmoci(join(at, 'oci'), 'n', (root) => readdirSync(root).sort())).toEqual(['app', 'bin', 'etc']);
  });

  test('gives the same image each time with SOURCE_DATE_EPOCH', () => {
    imported();
    const { options } = changed('demo', 'echo new > new');
    const commit = (): string =>
      run(['commit', '--quiet', '-o', options, '--name', 'same'], { SOURCE_DATE_EPOCH: '1500000000' }).stdout;
    const first = commit();
    expect(first).toMatch(/^sha256:/);
    expect(commit()).toBe(first);
    expect(inspected('same').created).toBe('2017-07-14T02:40:00Z');
  });

  test('asks for the image below where it cannot be known, and takes it from --base', () => {
    imported();
    const folder = join(at, 'alien');
    mkdirSync(folder);
    const built = buildStack(folder, { upper: dir({ a: file('a\n') }), lowers: [dir({ b: file('b\n') })], data: [] });
    const options = kernelOptions(built, []);
    const refused = run(['commit', '-o', options]);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('--base scratch')]);
    said('commit', '-o', options, '--base', 'scratch', '--name', 'whole');
    expect(inspected('whole').layers).toHaveLength(1);
    expect(run(['commit', '-o', options, '--base', 'demo', '--name', 'on']).stderr).toContain('is taken on trust');
    expect(inspected('on').layers).toHaveLength(3);
    said('commit', '-o', options, '--base', 'scratch', '--layers', 'A-A', '--name', 'lower');
    expect(said('diff', 'lower', 'whole')).toContain('A /a\n');
    expect(run(['commit', '-o', options, '--base', 'scratch', '--layers', 'A-U']).status).toBe(2);
  });

  test("reads the upper of a kernel mount with a warning, that of Lamina's only when told to", async () => {
    imported();
    const { built, options } = changed('demo', 'echo new > new');
    const point = join(built.folder, 'point');
    mkdirSync(point);
    const user = { runtime: join(at, 'run') };
    expect(lamina(user, 'mount', '-o', options, point).status).toBe(0);
    try {
      const refused = run(['commit', '-o', options]);
      expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('add --live')]);
      expect(run(['commit', '-o', options, '--live', '--name', 'live']).stderr).toContain('may change');
    } finally {
      lamina(user, 'umount', point);
    }
    expect(existsSync(join(inspected('live').layers[2]!.folder, 'new'))).toBe(true);
    withKernelMount(built, ['redirect_dir=on'], () => {
      expect(run(['commit', '-o', options, '--name', 'kernel']).status).toBe(0);
    });
  });

  test('leaves nothing behind when it fails', () => {
    imported();
    const { options } = changed('demo', 'touch .wh.x');
    const { status, stderr } = run(['commit', '-o', options, '--name', 'bad']);
    expect([status, stderr]).toEqual([1, expect.stringContaining('/.wh.x cannot be in an image layer')]);
    expect(readdirSync(join(store, 'temporary'))).toEqual([]);
    expect(run(['inspect', 'bad']).status).toBe(1);
  });
});

describe('squash and config', () => {
  test('squash keeps the tree and the settings, and the history says what happened', () => {
    imported();
    const { options } = changed('demo', 'rm -r etc; mkdir etc; echo e > etc/e');
    said('commit', '-o', options, '--name', 'three');
    said('squash', 'three', '--from', '2', '--name', 'two', '--workdir', '/opt');
    said('squash', 'three', '--name', 'one');
    for (const name of ['one', 'two']) expect(said('diff', 'three', name)).toBe('No difference.\n');
    expect([inspected('two').layers.length, inspected('one').layers.length]).toEqual([2, 1]);
    expect(inspected('two').layers[0]!.diffId).toBe(inspected('three').layers[0]!.diffId);
    expect(inspected('two').config).toMatchObject({ workingDirectory: '/opt', command: ['/bin/sh'] });
    const { history } = JSON.parse(said('inspect', '--config', 'two')) as { history: Record<string, unknown>[] };
    expect(history.map(({ created_by, empty_layer }) => [created_by, empty_layer])).toEqual([
      ['layers 1 to 1', undefined],
      ['layers 0 to 0', true],
      ['lamina image commit', true],
      ['lamina image squash --from 2', undefined],
    ]);
    expect(run(['squash', 'three', '--from', '4']).status).toBe(2);
  });

  test('config changes what it is told to and no layer', () => {
    imported();
    said(
      'config',
      'demo',
      '--entrypoint',
      '["/a","b c"]',
      '--cmd',
      '',
      '--env',
      'PATH',
      '--label',
      'c=d=e',
      '--name',
      'new',
    );
    expect(inspected('new').config).toMatchObject({
      entrypoint: ['/a', 'b c'],
      command: [],
      environment: [],
      labels: { a: 'b', c: 'd=e' },
    });
    expect(inspected('new').layers.map(({ digest }) => digest)).toEqual(
      inspected('demo').layers.map(({ digest }) => digest),
    );
    expect(run(['config', 'demo']).status).toBe(2);
    expect(run(['config', 'demo', '--entrypoint', '[oops']).stderr).toContain('is no list of words');
  });
});

describe('analyze', () => {
  test('shows where the space goes, and judges it as dive does', () => {
    imported();
    expect(said('analyze', 'demo')).toMatch(/^Efficiency 99\.\d\d %, \d+ B wasted$/m);
    expect(JSON.parse(said('analyze', '--json', 'demo'))).toMatchObject({ layers: [{}, {}] });
    expect(said('analyze', '--ci', 'demo')).toMatch(/Result: PASS\n$/);
    const bad = run(['analyze', '--ci', 'demo', '--highest-wasted-bytes', '1B']);
    expect([bad.status, bad.stdout]).toEqual([
      1,
      expect.stringMatching(/FAIL highestWastedBytes .*\n[^]*Result: FAIL\n$/),
    ]);
  });
});

describe('wrong usage and cancelling', () => {
  test('are told apart by the exit status', () => {
    const statuses = [[], ['nothing'], ['import'], ['ls', 'more'], ['inspect', 'not-there'], ['import', 'sif:x']].map(
      (args) => run(args).status,
    );
    expect(statuses).toEqual([0, 2, 2, 2, 1, 1]);
  });

  test('Ctrl+C ends an import in good order', async () => {
    const { built } = { built: buildStack(at, { upper: dir(), lowers: [dir()], data: [] }) };
    for (let i = 0; i < 1500; i++) writeFileSync(join(built.lowers[0]!.path, `f${i}`), String(i));
    await send(await commitRange(built, [1, 1]), await OciFolder.open(join(at, 'big'), 'a'));
    const child = spawn(process.execPath, [resolve('out/main/cli.js'), 'image', 'import', `oci:${at}/big:a`], {
      env: { PATH: process.env['PATH'], LAMINA_STORE: store, LAMINA_RUNTIME_DIR: join(at, 'run') },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const unpacking = (): boolean =>
      existsSync(join(store, 'temporary')) &&
      readdirSync(join(store, 'temporary')).some((name) => existsSync(join(store, 'temporary', name, 'diff')));
    while (!unpacking() && child.exitCode === null) await pause(2);
    child.kill('SIGINT');
    const [status] = (await once(child, 'exit')) as [number];
    expect([status, stderr]).toEqual([130, 'lamina: Cancelled; nothing is left half done.\n']);
    expect(readdirSync(join(store, 'temporary'))).toEqual([]);
    expect(said('ls', '--json')).toBe('[]\n');
    expect(readFileSync(join(store, 'lamina-store.json'), 'utf8')).toContain('1');
    rmSync(join(at, 'big'), { recursive: true });
  });
});
