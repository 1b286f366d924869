// SPDX-License-Identifier: MIT
// Starting other programs: argument lists, never a shell string.
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { SetUpFailure } from './say.mjs';

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'];

let interruption;

/** The signal that has asked us to end, if one has. */
export function interruptedBy() {
  return interruption;
}

/** Runs a program to its end, and throws what it was for when it fails. Its output is progress: all on stderr. */
export function runOrFail(purpose, command, args, options = {}) {
  const result = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options });
  if (result.error) throw new SetUpFailure(`${purpose}: cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) {
    throw new SetUpFailure(`${purpose}: ${command} ended with ${result.signal ?? `status ${result.status}`}`);
  }
}

/**
 * Runs a program on our own terminal, passes on the signals we get, and resolves to the exit status that a shell would
 * report. With `pidOnDescriptor3` the signals go to the process whose id the program writes there.
 */
export function runToEnd(command, args, { pidOnDescriptor3 = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = pidOnDescriptor3 ? ['inherit', 'inherit', 'inherit', 'pipe'] : 'inherit';
    // A group of its own: Ctrl+C then comes by us alone, once, and spares the helpers around the program.
    const child = spawn(command, args, { stdio, detached: true, ...options });
    let target = pidOnDescriptor3 ? undefined : child.pid;
    child.stdio[3]?.once('data', (line) => {
      target = Number(line);
      child.stdio[3].destroy();
    });
    const forward = (signal) => {
      interruption = signal;
      try {
        // Until the program has said who it is there is nothing in it to save: all of the group ends.
        process.kill(target ?? -child.pid, signal);
      } catch {
        // It has just ended by itself.
      }
    };
    for (const signal of forwarded) process.on(signal, forward);
    const settle = (settled) => {
      for (const signal of forwarded) process.off(signal, forward);
      settled();
    };
    child.once('error', (error) => settle(() => reject(new SetUpFailure(`cannot run ${command}: ${error.message}`))));
    child.once('exit', (status, signal) => settle(() => resolve(signal ? 128 + constants.signals[signal] : status)));
  });
}

/** The npm that runs us, or the one on the PATH: `npm start` must not mix two. */
export function npmCommand() {
  const script = process.env.npm_execpath;
  return script?.endsWith('npm-cli.js') ? { command: process.execPath, args: [script] } : { command: 'npm', args: [] };
}
