// SPDX-License-Identifier: MIT
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { SystemError } from '../system/libc';
import { systemFailure } from '../system/system-failure';
import { workingDirectory } from './arguments';
import { warn } from './print';

/** Wrong usage of a program. */
export class Usage extends Error {}

/** What a person has stopped: nothing went wrong. */
export class Cancelled extends Error {
  /** As a shell tells of a program that SIGINT has ended. */
  readonly status = 130;
}

/** Exit statuses of a program. */
export interface Statuses {
  readonly failed: number;
  readonly usage: number;
}

/**
 * Runs a program of the command line and says on stderr what went wrong: the reason, then the way out.
 * @param help where to learn the usage, as `lamina help`
 */
export async function runProgram(run: () => void | Promise<void>, help: string, statuses: Statuses): Promise<void> {
  try {
    await run();
  } catch (error) {
    process.exitCode = statusOf(error, statuses);
    warn(describe(error, help));
  }
}

function statusOf(error: unknown, { failed, usage }: Statuses): number {
  if (error instanceof Cancelled) return error.status;
  return error instanceof Usage ? usage : failed;
}

function describe(error: unknown, help: string): string {
  if (error instanceof Usage) return `${error.message}\nTry: ${help}`;
  if (error instanceof Cancelled) return error.message;
  if (error instanceof Failure) return `${error.message}\n${error.hint}`;
  if (error instanceof SystemError) {
    const { message, hint } = systemFailure(error);
    return `${message}\n${hint}`;
  }
  const message = error instanceof Error ? error.message : String(error);
  return `unexpected: ${message}\nThis is a defect of Lamina's; please report it.`;
}

export const absolute = (path: ByteString): ByteString =>
  path.startsWith('/') ? path : `${workingDirectory()}/${path}`;

/** Throws a Usage where there are more arguments than a program takes. */
export function atMost(positionals: readonly ByteString[], most: number): void {
  if (positionals.length > most) throw new Usage(`too many arguments: ${display(positionals.slice(most).join(' '))}`);
}
