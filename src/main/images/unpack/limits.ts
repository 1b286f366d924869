// SPDX-License-Identifier: MIT

/** What a layer may be made of. Each is there because a small blob can ask for any amount of it. */
export interface LayerLimits {
  /** Bytes of the uncompressed tar. */
  readonly tarBytes: number;
  /** Bytes of tar for a byte of blob, asked of what is over `ratioFrom`. */
  readonly ratio: number;
  /** Bytes of tar that any ratio may make: images do hold files of zeros. */
  readonly ratioFrom: number;
  readonly entries: number;
  /** Bytes of all files, holes counted: what a copy that knows no holes would take. */
  readonly fileBytes: number;
}

/**
 * The largest images that people build (models, toolchains) are some tens of GiB with some hundred thousands of entries.
 * gzip cannot make more than 1032 bytes of one; of file systems 3 to 4 are usual, and 100 is a disk image of zeros.
 */
export const DEFAULT_LIMITS: LayerLimits = {
  tarBytes: 256 * 2 ** 30,
  ratio: 200,
  ratioFrom: 2 ** 30,
  entries: 5_000_000,
  fileBytes: 16 * 2 ** 40,
};
