// SPDX-License-Identifier: MIT
// Runs one of the projects of vitest.config.ts.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runToEnd } from '../setup/child.mjs';
import { runOnDisplay } from '../setup/display.mjs';
import { projectRoot } from '../setup/project.mjs';
import { vitestCounts, vitestFailures } from './counts.mjs';

/** The counts of a project's tests. `windows`: they open windows, and so need a display. */
export async function runVitest(project, { environment = {}, windows = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-test-'));
  const report = join(folder, 'report.json');
  const args = [
    join(projectRoot, 'node_modules/vitest/vitest.mjs'),
    ...['run', '--project', project],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  ];
  const options = { cwd: projectRoot, env: { ...process.env, ...environment } };
  try {
    const run = windows ? runOnDisplay : runToEnd;
    const status = await run(process.execPath, args, options);
    const results = readReport(report);
    return { ...vitestCounts(results, status), failures: vitestFailures(results) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
