// SPDX-License-Identifier: MIT
// Runs the command of an npm package as one check.
import { join } from 'node:path';
import { runToEnd } from '../setup/child.mjs';
import { projectRoot } from '../setup/project.mjs';

/** One check: passed when the command ends with 0. */
export async function runTool(script, args) {
  const status = await runToEnd(process.execPath, [join(projectRoot, 'node_modules', script), ...args], {
    cwd: projectRoot,
  });
  const name = script.split('/')[0];
  if (status !== 0) console.log(`${name} ended with status ${status}`);
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}
