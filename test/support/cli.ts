// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Who runs the command line, and from which copy of the checkout. */
export interface CliUser {
  readonly uid?: number;
  readonly gid?: number;
  readonly runtime: string;
  readonly checkout?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs the built `lamina`, its output through pipes; fails after a minute, as a mount that keeps a pipe open would. */
export function lamina(user: CliUser, ...args: string[]): CliResult {
  const program = resolve(user.checkout ?? '.', 'out/main/cli.js');
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'latin1',
    timeout: 60_000,
    env: { PATH: process.env['PATH'], LAMINA_RUNTIME_DIR: user.runtime, ...user.environment },
    cwd: '/',
    ...(user.uid === undefined ? {} : { uid: user.uid, gid: user.gid }),
  });
  if (error) throw error;
  return { status, stdout, stderr };
}
