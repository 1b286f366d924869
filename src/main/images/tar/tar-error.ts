// SPDX-License-Identifier: MIT

/**
 * What is wrong with a tar, without the layer it is in: whoever reads it says which layer, and makes a Failure of it.
 * `code` is Lamina's own word, as of `Failure`.
 */
export class TarError extends Error {
  override readonly name = 'TarError';

  constructor(
    readonly code: 'bad-tar' | 'truncated' | 'over-limit' | 'unsafe-entry' | 'unsupported-entry',
    message: string,
  ) {
    super(message);
  }
}

/** Throws the error of a tar that breaks its format. */
export const badTar = (message: string): never => {
  throw new TarError('bad-tar', message);
};
