// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import type { SystemError } from '../../src/main/system/libc';
import { withKernelMount, type BuiltStack } from './kernel';
import { mountViewer, snapshot, type SnapshotLimits } from './view';

/** Everything that can be seen in a mounted tree. */
export function viewAt(at: ByteString, candidates: readonly ByteString[], limits: SnapshotLimits): string[] {
  const viewer = mountViewer(at);
  try {
    return snapshot(viewer, candidates, limits);
  } finally {
    viewer.close();
  }
}

/** The kernel's own view of the stack, or the error with which it refuses the mount. */
export function kernelView(
  built: BuiltStack,
  options: readonly string[],
  candidates: readonly ByteString[],
  limits: SnapshotLimits,
): string[] | SystemError {
  return withKernelMount(built, options, (at) => viewAt(at, candidates, limits));
}
