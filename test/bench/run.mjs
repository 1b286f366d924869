// SPDX-License-Identifier: MIT
// Running one program to its end, by the clock.
import { spawn } from 'node:child_process';
import { SetUpFailure } from '../../scripts/setup/say.mjs';

/** No run takes this long, but where a mount does not answer. */
const PATIENCE_MS = 600_000;

/**
 * Resolves to what the program printed and the seconds it took; throws where it fails. Its output goes nowhere, unless
 * `capture` is set. When `signal` aborts, the program is killed with all it started.
 */
export function run([command, ...args], { capture = false, signal } = {}) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const end = signal ? AbortSignal.any([signal, patience]) : patience;
  end.throwIfAborted();
  return new Promise((resolve, reject) => {
    const printed = { stdout: '', stderr: '' };
    const started = performance.now();
    // A group of its own: Ctrl-C then comes to us alone, and we end the group in one go.
    const child = spawn(command, args, { detached: true, stdio: ['ignore', capture ? 'pipe' : 'ignore', 'pipe'] });
    let seconds;
    const kill = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended by itself.
      }
    };
    end.addEventListener('abort', kill);
    for (const name of ['stdout', 'stderr']) child[name]?.on('data', (data) => (printed[name] += data));
    child.once('exit', () => (seconds = (performance.now() - started) / 1000));
    child.once('error', (error) => {
      end.removeEventListener('abort', kill);
      reject(new SetUpFailure(`cannot run ${command}: ${error.message}`));
    });
    // After the exit, and after the last of the group has closed its end of our pipes.
    child.once('close', (status, killedBy) => {
      end.removeEventListener('abort', kill);
      if (end.aborted) return reject(end.reason);
      if (status === 0) return resolve({ seconds, stdout: printed.stdout });
      const how = killedBy ?? `status ${status}`;
      reject(new SetUpFailure(`${[command, ...args].join(' ')}: ended with ${how}\n${printed.stderr.trim()}`));
    });
  });
}
