// SPDX-License-Identifier: MIT
import { bytesOf, display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import { SystemError } from '../../system/libc';

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'Use a store of your own (--store DIR or LAMINA_STORE), or run Lamina as the user whose store it is.',
  EPERM: 'Use a store of your own (--store DIR or LAMINA_STORE), or run Lamina as the user whose store it is.',
  EROFS: 'Use a store on a file system that can be written: --store DIR or LAMINA_STORE.',
  ENOSPC: 'Make room on its file system: lamina image gc shows what can go. The import then goes on where it was.',
  EDQUOT: 'Make room in your quota: lamina image gc shows what can go. The import then goes on where it was.',
};

/**
 * What the file system refuses to a store or to an import into it, as a person is told. All else is given back as it is.
 * @param about the store's folder, where the error names no path itself
 */
export function storeFailure(error: unknown, about: ByteString): unknown {
  if (!(error instanceof Error) || error instanceof Failure) return error;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  // What Node itself complains of has a code too, but no system call.
  if (code === undefined || (syscall === undefined && !(error instanceof SystemError))) return error;
  const where = error instanceof SystemError ? error.path : path === undefined ? about : bytesOf(path.toString());
  return new Failure(
    code,
    `${display(where || about)} cannot be used: ${syscall} failed (${code}).`,
    HINTS[code] ?? 'Look at the file system that it is on.',
  );
}
