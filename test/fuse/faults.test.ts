// SPDX-License-Identifier: MIT
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeFile, O_PATH, openPath } from '../../src/main/system/files';
import { ERRNO } from '../../src/main/system/libc';
import { getXattrAt } from '../../src/main/system/xattr';
import { expectLogged } from '../support/expect-logged';
import { Program, type FileOperation } from '../support/file-operations';
import { EXT4, hasLoopDevices, hasProgram, LoopImage, run } from '../support/loop-image';
import { makeScratch, removeScratch } from '../support/scratch';
import { dir, file, type Node } from '../support/tree';
import { onKernel, onLamina, writableStack } from '../support/writable-stack';

/* What the disks below can do to a mount: the caller gets the errno that the kernel's overlayfs gives, and no data go. */

const MIB = 1 << 20;
let folder = '';
let made = 0;
const images: LoopImage[] = [];
beforeAll(() => {
  folder = makeScratch('disk');
});
afterAll(() => {
  for (const image of images) image.remove();
  removeScratch(folder);
});

const fresh = (): string => {
  const path = join(folder, String(made++));
  mkdirSync(path);
  return path;
};

function image(...[at, name, bytes, mkfs, options]: ConstructorParameters<typeof LoopImage>): LoopImage {
  const made = new LoopImage(at, name, bytes, mkfs, options);
  images.push(made);
  return made;
}

const O_RDWR = 2;
const O_CREAT = 0o100;
type Call = FileOperation extends infer T ? (T extends { user: boolean } ? Omit<T, 'user'> : never) : never;
const call = (operation: Call): FileOperation => ({ user: false, ...operation }) as FileOperation;

const open = (slot: number, path: string, flags = O_RDWR): FileOperation =>
  call({ kind: 'open', slot, path, flags, mode: 0o644 });
const write = (slot: number, at: number, bytes: number): FileOperation =>
  call({ kind: 'write', slot, at, text: 'w'.repeat(bytes) });
const close = (slot: number): FileOperation => call({ kind: 'close', slot });
const content = (path: string): FileOperation => call({ kind: 'content', path });
const list = (path: string): FileOperation => call({ kind: 'list', path });

function runAll(at: string, operations: readonly FileOperation[]): string[] {
  const program = new Program(at, 0, false, false);
  try {
    return operations.map((each) => `${each.kind} ${'path' in each ? each.path : ''}: ${program.run(each)}`);
  } finally {
    program.close();
  }
}

const upperTree = (): Node => dir({ kept: file('kept\n'), mine: dir({ own: file('own\n') }) });
const lowerTree = (): Node =>
  dir({
    big: file('b'.repeat(2 * MIB)),
    small: file('small\n'),
    gone: file('gone\n'),
    moved: file('moved\n'),
    shown: file('shown\n'),
    d: dir({ f: file('f\n') }),
    empty: dir(),
    mine: dir({ lower: file('lower\n') }),
  });

/** Calls that need room, blocks or inodes; each is followed by a look at what it must not have touched. */
const GREEDY: readonly FileOperation[] = [
  open(0, 'kept'),
  write(0, 0, 3),
  write(0, 100_000, 3000),
  call({ kind: 'fsync', slot: 0 }),
  content('kept'),
  call({ kind: 'chmod', path: 'big', mode: 0o600 }),
  call({ kind: 'truncate', path: 'big', size: 1_900_000 }),
  open(1, 'small'),
  write(1, 0, 5),
  content('small'),
  open(2, 'new', O_RDWR | O_CREAT),
  write(2, 0, 2000),
  call({ kind: 'mkdir', path: 'directory', mode: 0o755 }),
  call({ kind: 'mkdir', path: 'd/directory', mode: 0o755 }),
  call({ kind: 'symlink', path: 'link', target: 't'.repeat(900) }),
  call({ kind: 'setxattr', path: 'kept', name: 'user.k', value: 'v'.repeat(900), flags: 0 }),
  call({ kind: 'setxattr', path: 'shown', name: 'user.k', value: 'v'.repeat(900), flags: 0 }),
  call({ kind: 'rename', path: 'moved', to: 'there', flags: 0 }),
  call({ kind: 'rename', path: 'd/f', to: 'd/g', flags: 0 }),
  call({ kind: 'unlink', path: 'gone' }),
  call({ kind: 'rmdir', path: 'empty' }),
  call({ kind: 'link', path: 'shown', to: 'again', flags: 0 }),
  list('.'),
  list('d'),
  list('mine'),
  ...['kept', 'small', 'new', 'moved', 'there', 'd/f', 'd/g', 'gone', 'shown', 'mine/own', 'mine/lower'].map(content),
  close(0),
  close(1),
  close(2),
];

/** After room was made: the mount goes on. */
const AFTER: readonly FileOperation[] = [
  call({ kind: 'chmod', path: 'big', mode: 0o640 }),
  call({ kind: 'stat', path: 'big' }),
  open(0, 'after', O_RDWR | O_CREAT),
  write(0, 0, 5000),
  call({ kind: 'fsync', slot: 0 }),
  call({ kind: 'unlink', path: 'small' }),
  call({ kind: 'mkdir', path: 'd/later', mode: 0o755 }),
  list('.'),
  list('d'),
  close(0),
];

const timeless = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/\d+\.\d+ 0:0/, 'time 0:0'));

interface Shortage {
  readonly make: (folder: string, name: string) => LoopImage;
  /** Where upper and workdir are, in the image. */
  readonly inside: string;
  readonly fill: (image: LoopImage) => void;
  readonly relieve: (image: LoopImage) => void;
  readonly errno: string;
}

/** The same calls on two images alike, by the kernel and by Lamina; then Lamina's upper by the kernel. */
async function compareShortage(shortage: Shortage, words: readonly string[]): Promise<void> {
  const base = fresh();
  const log = join(base, 'log');
  const stacks = (['kernel', 'lamina'] as const).map((name) => {
    const made = shortage.make(base, `image-${name}`);
    return { made, built: writableStack(join(base, name), upperTree(), lowerTree(), join(made.at, shortage.inside)) };
  });
  const work = (made: LoopImage) => (at: string) => {
    // The kernel writes to the upper when a merged directory is first looked up, and fails the lookup where it cannot.
    runAll(at, [list('mine')]);
    shortage.fill(made);
    const during = runAll(at, GREEDY);
    shortage.relieve(made);
    return { during, after: timeless(runAll(at, AFTER)) };
  };
  const [kernel, lamina] = stacks as [(typeof stacks)[0], (typeof stacks)[0]];
  const wanted = await onKernel(kernel.built, words, work(kernel.made));
  const found = await onLamina(lamina.built, words, work(lamina.made), { log });
  expect(wanted.during.join('\n')).toContain(shortage.errno);
  expect(found).toEqual(wanted);
  expect(readFileSync(log, 'utf8')).toMatch(new RegExp(`Z [A-Z_0-9]+ /.*: ${shortage.errno}`));
  expect(readdirSync(join(lamina.built.upper!.workdir, 'work'))).toEqual([]);
  const again = [list('.'), list('d'), ...['kept', 'after', 'moved', 'there', 'shown'].map(content)];
  const look = (at: string): string[] => runAll(at, again);
  expect(await onKernel(lamina.built, words, look)).toEqual(await onKernel(kernel.built, words, look));
}

/** Takes the last block, or inode. */
function exhaust(use: (i: number) => void): void {
  for (let i = 0; ; i++) {
    try {
      use(i);
    } catch (error) {
      const { errno } = error as NodeJS.ErrnoException;
      if (errno === -ERRNO.ENOSPC || errno === -ERRNO.EDQUOT) return;
      throw error;
    }
  }
}

const filler = ({ at }: LoopImage): string => join(at, 'filler');

const NO_BLOCKS: Shortage = {
  make: (at, name) => image(at, name, 6 * MIB, [...EXT4, '-N', '200']),
  inside: '.',
  fill: (made) => {
    for (const bytes of [65_536, 1024]) exhaust(() => writeFileSync(filler(made), 'x'.repeat(bytes), { flag: 'a' }));
    run('sync', '-f', made.at);
    exhaust(() => writeFileSync(filler(made), 'x'.repeat(1024), { flag: 'a' }));
  },
  relieve: (made) => unlinkSync(filler(made)),
  errno: 'ENOSPC',
};

const NO_INODES: Shortage = {
  make: (at, name) => image(at, name, 12 * MIB, [...EXT4, '-N', '48']),
  inside: '.',
  fill: (made) => {
    mkdirSync(filler(made));
    exhaust((i) => writeFileSync(join(filler(made), String(i)), ''));
  },
  relieve: (made) => rmSync(filler(made), { recursive: true }),
  errno: 'ENOSPC',
};

const WORD_SETS: readonly string[][] = [[], ['metacopy=on'], ['redirect_dir=on', 'index=on']];

describe.skipIf(!hasLoopDevices).each(WORD_SETS.map((words) => ({ words })))('no room, with $words', ({ words }) => {
  test('of blocks: ENOSPC where the kernel gives it, and nothing is lost', () => compareShortage(NO_BLOCKS, words));
  test('of inodes: the same', () => compareShortage(NO_INODES, words));
});

/** btrfs counts what a subvolume may take, for root too; ext4's and tmpfs's quotas need a kernel built for them. */
const NO_QUOTA: Shortage = {
  make: (at, name) => {
    const made = image(at, name, 128 * MIB, ['mkfs.btrfs', '-q', '-M']);
    run('btrfs', 'quota', 'enable', made.at);
    run('btrfs', 'subvolume', 'create', join(made.at, 'sub'));
    return made;
  },
  inside: 'sub',
  fill: (made) => {
    run('btrfs', 'qgroup', 'limit', '3M', join(made.at, 'sub'));
    // What is reserved for data that are still to be written is given back when they are: so once more after that.
    for (const bytes of [32_768, 4096, 4096]) {
      exhaust((i) =>
        writeFileSync(join(made.at, 'sub', `filler-${bytes}-${i}`), Buffer.alloc(bytes, i), { flag: 'a' }),
      );
      run('sync', '-f', made.at);
    }
  },
  relieve: (made) => {
    run('btrfs', 'qgroup', 'limit', 'none', join(made.at, 'sub'));
    for (const name of readdirSync(join(made.at, 'sub')))
      if (name.startsWith('filler-')) unlinkSync(join(made.at, 'sub', name));
  },
  errno: 'EDQUOT',
};

test.skipIf(!hasLoopDevices || !hasProgram('mkfs.btrfs'))(
  'no quota left: EDQUOT where the kernel gives it, and nothing is lost',
  () => compareShortage(NO_QUOTA, []),
);

test.skipIf(!hasLoopDevices)(
  'a full disk leaves ten lines a second in the log, and how many more there were',
  async () => {
    const base = fresh();
    const log = join(base, 'log');
    const made = NO_BLOCKS.make(base, 'image');
    const built = writableStack(join(base, 's'), upperTree(), lowerTree(), made.at);
    await onLamina(
      built,
      [],
      async (at) => {
        NO_BLOCKS.fill(made);
        for (let i = 0; i < 50; i++)
          expect(runAll(at, [call({ kind: 'chmod', path: 'big', mode: 0o600 })])).toEqual(['chmod big: ENOSPC']);
        expect(runAll(at, [content('none'), call({ kind: 'mkdir', path: 'd', mode: 0o755 })])).toEqual([
          'content none: ENOENT',
          'mkdir d: EEXIST',
        ]);
        await sleep(1500);
      },
      { log },
    );
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(lines[0]).toMatch(/^\S+Z SETATTR \/big: ENOSPC \((copy|truncate|open|fsync) \S+\)$/);
    const told = lines.filter((line) => line.includes('SETATTR /big'));
    const left = lines.flatMap((line) => /Z (\d+) more lines? (?:was|were) left out$/.exec(line)?.[1] ?? []);
    expect(left.length).toBeGreaterThan(0);
    expect(told.length + left.reduce((sum, count) => sum + Number(count), 0)).toBe(50);
    expect(lines.length).toBe(told.length + left.length);
  },
);

describe.skipIf(!hasLoopDevices)('a lower that gives errors', () => {
  /** A lower on an image whose end was lost: what lay there gives EIO, whoever reads it. */
  const broken = (): { lower: string; cut: () => void } => {
    const made = image(fresh(), 'lower', 16 * MIB, [...EXT4], 'rw,errors=continue');
    writeFileSync(join(made.at, 'whole'), 'whole\n');
    writeFileSync(join(made.at, 'half'), Buffer.alloc(12 * MIB, 'h'));
    mkdirSync(join(made.at, 'd'));
    writeFileSync(join(made.at, 'd/f'), 'f\n');
    made.unmount();
    return {
      lower: made.at,
      cut: () => {
        made.mount();
        truncateSync(made.file, 9 * MIB);
      },
    };
  };

  test.each([{ words: [] }, { words: ['metacopy=on'] }])(
    'EIO to the caller, and nothing half copied; $words',
    async ({ words }) => {
      const calls = [
        content('whole'),
        call({ kind: 'truncate', path: 'half', size: 11 * MIB }),
        open(0, 'half'),
        call({ kind: 'setflags', path: 'half', flags: 0x80 }),
        call({ kind: 'chmod', path: 'half', mode: 0o600 }),
        open(1, 'half'),
        call({ kind: 'chmod', path: 'whole', mode: 0o600 }),
        call({ kind: 'rename', path: 'd/f', to: 'd/g', flags: 0 }),
        list('.'),
        list('d'),
      ];
      const results = [];
      for (const on of [onKernel, onLamina]) {
        const { lower, cut } = broken();
        cut();
        const base = fresh();
        const built = { ...writableStack(base, dir(), dir()), lowers: [{ id: 'l', path: lower }] };
        const log = join(base, 'log');
        const found = await on(built, words, (at) => runAll(at, calls), { log });
        results.push(found);
        expect(readdirSync(join(built.upper!.workdir, 'work'))).toEqual([]);
        // With metacopy=on chmod brings up the metadata, and they keep their mark.
        const upper = openPath(built.upper!.path, O_PATH);
        expect(getXattrAt(upper, 'half', 'trusted.overlay.metacopy')).toBe(words.length > 0 ? '' : -ERRNO.ENOENT);
        closeFile(upper);
        if (on === onLamina) expectLogged(log, /Z (?:OPEN|SETATTR) \/half: EIO \(copy \/half\)/);
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[0]!.join('\n')).toContain('open half: EIO');
    },
  );
});
