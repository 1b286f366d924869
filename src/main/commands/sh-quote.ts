// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';

/** One word of a POSIX shell command line: as it is where nothing in it is special, else in single quotes. */
export function shQuote(word: ByteString): ByteString {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The kernel's limit for one argument of a program, the NUL included (MAX_ARG_STRLEN). */
export const LONGEST_ARGUMENT = 131_072 - 1;
