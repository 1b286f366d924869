// SPDX-License-Identifier: MIT

/** Ids `stored`, `stored + 1`, … of the layers are those from `shown` on in the mount. */
export interface IdRange {
  readonly stored: number;
  readonly shown: number;
  readonly count: number;
}

/** Owners that a mount shows in place of those in the layers, as fuse-overlayfs's options say (semantics 8.3). */
export interface OwnerRules {
  /** No ranges: ids are shown as they are stored. */
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
  /** Everything belongs to this user or group; null where it does not. */
  readonly squashUid: number | null;
  readonly squashGid: number | null;
}

/** What is shown for an id that no range covers, and stored for a maker who has none: the kernel's overflow id. */
export const NOBODY = 65534;
