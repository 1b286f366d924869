// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { Failure } from '@shared/failure';
import * as v from 'valibot';
import { plain } from './plain-text';

const answer = v.looseObject({ Username: v.string(), Secret: v.string() });

/** Milliseconds that a helper has: it may ask the user, or a key store that is slow to wake. */
const PATIENCE = 60_000;
const MOST_BYTES = 1 << 20;

/**
 * Asks `docker-credential-NAME get` for a server (the protocol of docker-credential-helpers: the server on stdin, JSON
 * on stdout). Null where it has none; a user name of `<token>` means an identity token.
 * @throws Failure that names the program, when it cannot be run, fails, or answers nonsense
 */
export async function askHelper(
  name: string,
  server: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  patience = PATIENCE,
): Promise<{ username: string; secret: string } | null> {
  const program = `docker-credential-${name}`;
  if (!/^[\w.+-]+$/.test(name)) throw failed(program, 'its name has characters that no helper has');
  const { code, output, errors } = await run(program, server, environment, signal, patience);
  if (code !== 0) {
    // The words that the protocol has for "none"; they come on stdout or stderr, as helpers differ.
    if (/credentials not found|no credentials server url|no credentials username/i.test(output + errors)) return null;
    throw failed(program, `it ended with status ${code ?? 'of a signal'}: ${plain((errors || output).trim())}`);
  }
  try {
    const { Username, Secret } = v.parse(answer, JSON.parse(output));
    return Secret === '' ? null : { username: Username, secret: Secret };
  } catch {
    // What it said may hold a password.
    throw failed(program, 'what it answered is not the JSON of a credential helper');
  }
}

function run(
  program: string,
  server: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  patience: number,
): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(program, ['get'], { env: { ...environment }, stdio: 'pipe' });
    let output = '';
    let errors = '';
    const end = (error: unknown): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      child.kill('SIGKILL');
      // A program that it started may hold the pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
      reject(error as Error);
    };
    const aborted = (): void => end(signal.reason);
    const timer = setTimeout(() => end(failed(program, `no answer within ${patience / 1000} s`)), patience);
    signal.addEventListener('abort', aborted, { once: true });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > MOST_BYTES) end(failed(program, 'its answer has no end'));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(0, 4096);
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      end(failed(program, error.code === 'ENOENT' ? 'it is not in PATH' : (error.code ?? error.message))),
    );
    child.on('close', (code) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      resolve({ code, output, errors });
    });
    // A helper that ends without reading is told by its status.
    child.stdin.on('error', () => undefined);
    child.stdin.end(server);
  });
}

function failed(program: string, reason: string): Failure {
  return new Failure(
    'credential-helper',
    `The credential helper ${program} gave no credentials: ${reason}.`,
    'Install or repair the helper, or take it out of credHelpers or credsStore of the auth file.',
  );
}
