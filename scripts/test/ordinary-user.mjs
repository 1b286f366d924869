// SPDX-License-Identifier: MIT
// Vitest's runner for the tests that stand on kernel mounts, when an ordinary user runs them.
import { TestRunner } from 'vitest';

/** Skips, and so counts as skipped, all tests but those of files named `*.user.test.ts`, which need no root. */
export default class OrdinaryUserRunner extends TestRunner {
  onCollected(files) {
    for (const file of files) if (!file.filepath.endsWith('.user.test.ts')) skip(file);
    return super.onCollected?.(files);
  }
}

function skip(task) {
  task.mode = 'skip';
  for (const child of task.tasks ?? []) skip(child);
}
