// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { Layer } from '../layers/layer';
import type { Real } from './entry';

/** What one element of a path turned out to be in one layer. */
export type ProbeOutcome =
  | 'absent'
  | 'whiteout'
  /** Accepted: part of the resolution. */
  | 'found'
  /** A directory on the way of an absolute redirect. */
  | 'passed'
  /** Not a directory where one must be, or not a regular file below a metacopy: the search ends here. */
  | 'stops'
  | 'error';

/** A step of a lookup, in the order in which the layers were asked. */
export interface Probe {
  readonly layer: Layer;
  /** Path inside the layer. */
  readonly path: ByteString;
  readonly outcome: ProbeOutcome;
  readonly real: Real | null;
  readonly opaque: 'y' | 'x' | null;
  readonly redirect: ByteString | null;
  readonly metacopy: boolean;
  /** Errno name for `error`. */
  readonly errno: string | null;
}

/** The record of a lookup; `explain` turns it into words. The lookup writes it when asked to. */
export interface Trace {
  readonly probes: Probe[];
  /** The errno name and the rule, where the lookup as a whole was refused. */
  refusal: { readonly errno: string; readonly reason: string } | null;
}

export const newTrace = (): Trace => ({ probes: [], refusal: null });
