// SPDX-License-Identifier: MIT
import { readdirSync } from 'node:fs';
import { libc } from './libc';

const fcntl = libc.func('int fcntl(int, int, int)');
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const FIRST_OWN = 3;

/**
 * Sees to it that a program started from now on gets no descriptor but those it is given: whoever called us and waits
 * for the end of a pipe would wait for that program too. Node does so for the first ones only.
 */
export function keepFromPrograms(): void {
  for (const name of readdirSync('/proc/self/fd'))
    if (Number(name) >= FIRST_OWN) fcntl(Number(name), F_SETFD, FD_CLOEXEC);
}
