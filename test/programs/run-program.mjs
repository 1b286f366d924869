// SPDX-License-Identifier: MIT
// Starting programs for the checks: argument lists, whole output, a failure that says what was run.
import { spawnSync } from 'node:child_process';

const PATIENCE_MS = 600_000;

/**
 * Runs a program to its end, with its output through pipes and nothing on its stdin.
 * @param options cwd, env (on top of ours), uid, gid, input, mayFail
 * @returns { status, stdout, stderr }; throws where it fails, unless it may
 */
export function run(program, args, { cwd, env, uid, gid, input, mayFail = false, timeout = PATIENCE_MS } = {}) {
  const result = spawnSync(program, args, {
    encoding: 'latin1',
    maxBuffer: 1 << 28,
    timeout,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(input === undefined ? {} : { input }),
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, LC_ALL: 'C', ...env },
    ...(uid === undefined ? {} : { uid, gid }),
  });
  if (result.error && !mayFail) throw result.error;
  const { status, stdout, stderr } = result;
  if (status !== 0 && !mayFail)
    throw new Error(`${[program, ...args].join(' ')}: status ${status}\n${(stderr || stdout).slice(-2000)}`);
  return { status, stdout: stdout ?? '', stderr: stderr ?? '' };
}

/** Standard output of a program, without the newline at its end. */
export const outputOf = (program, args, options) => run(program, args, options).stdout.replace(/\n$/, '');

/** Whether a program is installed. */
export const has = (program) => run('which', [program], { mayFail: true }).status === 0;
