// SPDX-License-Identifier: MIT
// npm run screenshots: pictures of the app on its built-in sample, for the README, taken the way a user takes one.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOrFail } from './setup/child.mjs';
import { projectRoot } from './setup/project.mjs';
import { runMain } from './setup/say.mjs';

await runMain(() => {
  const folder = join(projectRoot, 'resources/screenshots');
  mkdirSync(folder, { recursive: true });
  // Pictures of a first start: without the settings, compositions and mounts of whoever takes them.
  const home = mkdtempSync(join(tmpdir(), 'lamina-'));
  const env = { ...process.env, LAMINA_DATA_DIR: home, XDG_RUNTIME_DIR: home };
  try {
    for (const theme of ['light', 'dark']) {
      const picture = ['--screenshot', join(folder, `${theme}.png`), '--theme', theme];
      const view = ['--size', '1440x900', '--select', '/usr/share/demo/config.json'];
      runOrFail('screenshot', process.execPath, [join(projectRoot, 'scripts/start.mjs'), ...picture, ...view], { env });
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
