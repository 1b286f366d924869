// SPDX-License-Identifier: MIT
import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { build } from 'vite';

/** Builds a program of the tests that is to run in a process of its own. Returns its path. */
export async function buildProgram(name: string): Promise<string> {
  // Inside the checkout, so that it finds the packages.
  const outDir = resolve('.cache/test-programs');
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { '@shared': resolve('src/shared') } },
    build: {
      ssr: resolve(`test/support/${name}.ts`),
      outDir,
      emptyOutDir: false,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: `${name}.mjs`, codeSplitting: false } },
    },
  });
  return resolve(outDir, `${name}.mjs`);
}

/**
 * A program that runs: what it has printed when it ends, or null where it was killed.
 * @param user who runs it; who runs the test by default
 */
export function start(
  program: string,
  args: readonly string[],
  user?: { readonly uid: number; readonly gid: number; readonly home: string },
): { child: ChildProcess; ended: Promise<string | null> } {
  const whose = user && { uid: user.uid, gid: user.gid, env: { PATH: process.env['PATH'], HOME: user.home } };
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', ...whose });
  let out = '';
  let error = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (error += data.toString()));
  const ended = new Promise<string | null>((done, fail) => {
    child.on('close', (code, signal) => {
      if (code === 0) done(out);
      else if (signal === 'SIGKILL') done(null);
      else fail(new Error(`the program ended with ${code}: ${error}`));
    });
  });
  return { child, ended };
}
