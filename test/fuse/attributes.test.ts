// SPDX-License-Identifier: MIT
import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../../src/main/mounts/control';
import { buildStack, type BuiltStack } from '../support/kernel';
import { LaminaMount, TRANSPORTS } from '../support/lamina-mount';
import { makeScratch, removeScratch } from '../support/scratch';
import { meta, TRUSTED } from '../support/table-case';
import { dir, file } from '../support/tree';

const GIB = 2 ** 30;
const LONG = 'n'.repeat(255);
const big = randomBytes(3 * 2 ** 20 + 17);

describe.each(TRANSPORTS)('what a mount by %s shows', (transport) => {
  let scratch = '';
  let memory = '';
  let built: BuiltStack;
  let mount: LaminaMount;

  beforeAll(async () => {
    scratch = makeScratch('disk');
    memory = makeScratch('tmpfs');
    // Two file systems: their inode numbers must not meet.
    const onDisk = buildStack(scratch, {
      upper: null,
      lowers: [
        dir({
          one: file('linked', { mtime: [1_700_000_000, 123_456_789] }),
          two: { kind: 'link', to: 'one' },
          [LONG]: file('long'),
          before: file('1969', { mtime: [-5, 999_999_999] }),
          short: meta('/short', 100),
          many: dir(Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`file-${i}`, file(String(i))]))),
          device: { kind: 'char', major: 4095, minor: 70_000 },
        }),
      ],
      data: [dir({ short: file('real') })],
    });
    const inMemory = buildStack(memory, {
      upper: null,
      lowers: [dir({ other: file('in memory'), many: dir({ extra: file('x') }) })],
      data: [],
    });
    writeFileSync(join(onDisk.lowers[0]!.path, 'big'), big);
    writeFileSync(join(onDisk.lowers[0]!.path, 'huge'), '');
    truncateSync(join(onDisk.lowers[0]!.path, 'huge'), 5 * GIB);
    writeFileSync(join(onDisk.lowers[0]!.path, 'huge'), 'the end', { flag: 'a' });
    built = { ...onDisk, lowers: [...onDisk.lowers, ...inMemory.lowers] };
    mount = await LaminaMount.start(built, { ...TRUSTED, metacopy: true, redirectDir: 'on' }, transport);
  });

  afterAll(async () => {
    expect(await mount.stop()).toBe(0);
    removeScratch(scratch);
    removeScratch(memory);
  });

  const at = (name: string): string => join(mount.at, name);

  test('times to the nanosecond, also before 1970', () => {
    expect(lstatSync(at('one'), { bigint: true }).mtimeNs).toBe(1_700_000_000_123_456_789n);
    expect(lstatSync(at('before'), { bigint: true }).mtimeNs).toBe(-5n * 1_000_000_000n + 999_999_999n);
  });

  test('inode numbers: equal for hard links, else unique, the same in readdir, after forgetting and after a remount', async () => {
    const numbers = (): Map<string, bigint> => {
      const all = new Map<string, bigint>();
      for (const folder of ['', 'many']) {
        for (const name of readdirSync(at(folder)))
          all.set(join(folder, name), lstatSync(at(join(folder, name)), { bigint: true }).ino);
      }
      return all;
    };
    const before = numbers();
    expect(before.get('one')).toBe(before.get('two'));
    expect(new Set(before.values()).size).toBe(before.size - 1);
    const listed = execFileSync('ls', ['-1iU', mount.at], { encoding: 'utf8' }).trim().split('\n');
    for (const line of listed) {
      const [ino, name] = line.trim().split(/ (.*)/s);
      expect(`${name} ${ino}`).toBe(`${name} ${before.get(name!)}`);
    }
    writeFileSync('/proc/sys/vm/drop_caches', '2');
    expect(numbers()).toEqual(before);
    expect(await mount.stop()).toBe(0);
    mount = await LaminaMount.start(built, { ...TRUSTED, metacopy: true, redirectDir: 'on' }, transport);
    expect(numbers()).toEqual(before);
  });

  test('hard links count their names', () => {
    expect(statSync(at('one')).nlink).toBe(2);
    expect(statSync(at('many')).nlink).toBe(1);
  });

  test('names of 255 bytes, and longer ones refused', () => {
    expect(readFileSync(at(LONG), 'utf8')).toBe('long');
    expect(() => statSync(at(`${LONG}n`))).toThrow('ENAMETOOLONG');
  });

  test('a file over 4 GiB is read at its end', () => {
    expect(statSync(at('huge')).size).toBe(5 * GIB + 7);
    const fd = openSync(at('huge'), 'r');
    const buffer = Buffer.alloc(16);
    expect(buffer.toString('utf8', 0, readSync(fd, buffer, 0, 16, 5 * GIB))).toBe('the end');
    closeSync(fd);
  });

  test('large reads, small reads and mmap give the same bytes', () => {
    const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
    expect(digest(readFileSync(at('big')))).toBe(digest(big));
    const mapped = execFileSync('python3', [
      '-c',
      'import mmap,sys,hashlib;f=open(sys.argv[1],"rb");print(hashlib.sha256(mmap.mmap(f.fileno(),0,prot=mmap.PROT_READ)).hexdigest())',
      at('big'),
    ]);
    expect(mapped.toString().trim()).toBe(digest(big));
    const fd = openSync(at('big'), 'r');
    const piece = Buffer.alloc(4097);
    for (let offset = 0; offset < big.length; offset += 999_983) {
      const count = readSync(fd, piece, 0, piece.length, offset);
      expect(piece.subarray(0, count).equals(big.subarray(offset, offset + count))).toBe(true);
    }
    closeSync(fd);
  });

  test('what the kernel can read by itself makes no request', async () => {
    const reads = async (): Promise<number> => (await command(mount.id, 'status')).requests?.['READ'] ?? 0;
    const before = await reads();
    readFileSync(at('big'));
    readFileSync(at('other'));
    readFileSync(at('other'));
    // Passthrough serves the large file, the page cache the small one; libfuse 2 knows neither.
    if (transport === 'direct') expect(await reads()).toBe(before);
    else expect(await reads()).toBeGreaterThan(before);
  });

  test('data shorter than the metadata size are served as they are', () => {
    expect(statSync(at('short')).size).toBe(100);
    expect(readFileSync(at('short'), 'utf8')).toBe('real');
  });

  test('a directory of 3,000 names is listed whole, again and again', () => {
    for (let i = 0; i < 3; i++) expect(new Set(readdirSync(at('many'))).size).toBe(3001);
  });

  test('devices keep their numbers', () => {
    const { rdev } = lstatSync(at('device'));
    expect(rdev).toBe(lstatSync(join(built.lowers[0]!.path, 'device')).rdev);
  });

  test('statfs speaks of the layer', () => {
    const seen = statfsSync(mount.at);
    const layer = statfsSync(built.lowers[0]!.path);
    expect([seen.bsize, seen.blocks, seen.files]).toEqual([layer.bsize, layer.blocks, layer.files]);
  });

  test('nothing can be written', () => {
    expect(() => writeFileSync(at('new'), '')).toThrow('EROFS');
    expect(() => openSync(at('one'), 'r+')).toThrow('EROFS');
    expect(() => mkdirSync(at('folder'))).toThrow('EROFS');
  });

  test('many readers at once', async () => {
    const script =
      'for i in $(seq 20); do cat "$0"/many/file-$((i * 7)) "$0"/big | sha256sum; ls -lR "$0"/many >/dev/null; done';
    const run = promisify(execFile);
    const runs = Array.from({ length: 4 }, async () => (await run('sh', ['-c', script, mount.at])).stdout);
    const outputs = new Set(await Promise.all(runs));
    expect(outputs.size).toBe(1);
  });
});
