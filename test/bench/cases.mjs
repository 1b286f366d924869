// SPDX-License-Identifier: MIT
// What is measured, as data.
import { join } from 'node:path';

/** The big file: in a layer of its own on top, for the cases that read it, so that it weighs on no other case. */
export const BIG_FILE = 'lamina-bench-1-gib';
export const BIG_BYTES = 2 ** 30;

const randomRead = join(import.meta.dirname, 'random-read.mjs');

// GNU tar does not read the files at all when its archive is /dev/null: so a pipe, and one who reads it.
const tarToPipe = 'tar -cf - -C "$1" . | cat >/dev/null';

/**
 * `command` is the program and arguments for a mount point; its output goes nowhere. `big`: needs the big file.
 * `timesItself`: prints the seconds it took, where the start of its interpreter would hide them.
 */
export const cases = [
  { name: 'find', title: 'find', command: (at) => ['find', at] },
  { name: 'stat', title: 'find with sizes', command: (at) => ['find', at, '-printf', '%s %p\\n'] },
  { name: 'ls', title: 'ls -lR', command: (at) => ['ls', '-lR', at] },
  {
    name: 'tar',
    title: 'tar of the tree to a pipe',
    command: (at) => ['bash', '-o', 'pipefail', '-c', tarToPipe, 'bench', at],
  },
  {
    name: 'read',
    title: 'sequential read of 1 GiB, dd bs=1M',
    big: true,
    command: (at) => ['dd', `if=${join(at, BIG_FILE)}`, 'of=/dev/null', 'bs=1M', 'status=none'],
  },
  {
    name: 'random',
    title: '50,000 random reads of 4 KiB in 1 GiB',
    big: true,
    timesItself: true,
    command: (at) => [process.execPath, randomRead, join(at, BIG_FILE)],
  },
];

/** A case that reads runs twice on its mount; one that writes runs once, on a fresh upper. */
export const phases = ['cold', 'warm'];
export const writePhase = 'write';
