// SPDX-License-Identifier: MIT
// npm run screenshots: pictures of the app on its built-in sample, for the README, taken the way a user takes one.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runOrFail } from './setup/child.mjs';
import { projectRoot } from './setup/project.mjs';
import { runMain } from './setup/say.mjs';

await runMain(() => {
  const folder = join(projectRoot, 'resources/screenshots');
  mkdirSync(folder, { recursive: true });
  for (const theme of ['light', 'dark']) {
    const args = ['--screenshot', join(folder, `${theme}.png`), '--theme', theme, '--size', '1440x900'];
    runOrFail(`screenshot (${theme})`, process.execPath, [join(projectRoot, 'scripts/start.mjs'), ...args]);
  }
});
