// SPDX-License-Identifier: MIT
import { display } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { SystemError } from './libc';

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'Give yourself permission to read it, or run Lamina as a user who has it.',
  EPERM: 'Run Lamina as a user who may do this.',
  ENOENT: 'It went away while it was looked at: check the layers.',
  EIO: 'The file system under the layer gives errors: look at its disk or server.',
  ENOSPC: 'Make room on the file system.',
  ESTALE: 'The layer was replaced on its server: open the stack again.',
};

/** A failed system call as a person is told: the path, the reason, the way out. */
export function systemFailure({ code, syscall, path }: SystemError): Failure {
  return new Failure(
    code,
    `${display(path)}: ${syscall} failed (${code}).`,
    HINTS[code] ?? 'Check that the layers can be read.',
  );
}
