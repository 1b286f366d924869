// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Runs a program that must succeed. */
export function run(program: string, ...words: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8' });
  if (error || status !== 0) throw new Error(`${program} ${words.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Whether a program is installed. */
export const hasProgram = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

/** Containers often have no loop devices; what needs a small file system is skipped there, and counted as skipped. */
export const hasLoopDevices = existsSync('/dev/loop-control');

/** A small file system of its own in a file, mounted through a loop device. */
export class LoopImage {
  readonly file: string;
  readonly at: string;

  /**
   * @param make    mkfs and its arguments, before the file
   * @param options of mount(8), beside `loop`
   */
  constructor(
    folder: string,
    name: string,
    bytes: number,
    [mkfs, ...words]: readonly [string, ...string[]],
    private readonly options = 'rw',
  ) {
    this.file = join(folder, `${name}.img`);
    this.at = join(folder, name);
    const fd = openSync(this.file, 'w');
    ftruncateSync(fd, bytes);
    closeSync(fd);
    run(mkfs, ...words, this.file);
    mkdirSync(this.at);
    this.mount();
  }

  mount(): void {
    run('mount', '-o', `loop,${this.options}`, this.file, this.at);
  }

  unmount(): void {
    run('umount', this.at);
  }

  remount(options: string): void {
    run('mount', '-o', `remount,${options}`, this.at);
  }

  /** Whatever state it is in. */
  remove(): void {
    spawnSync('umount', ['-l', this.at]);
    rmSync(this.file, { force: true });
  }
}

/** ext4 of few blocks: no journal, no reserved blocks, errors told to the caller alone. */
export const EXT4 = ['mkfs.ext4', '-q', '-O', '^has_journal', '-m', '0', '-b', '1024'] as const;
