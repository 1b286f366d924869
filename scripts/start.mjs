// SPDX-License-Identifier: MIT
// npm start: sets up what is missing, builds, and opens the app. Arguments after `--` are the app's.
import { resolve } from 'node:path';
import { setUpDebianPackages } from './setup/apt.mjs';
import { setUpBuild } from './setup/build.mjs';
import { hasDisplay, runOnDisplay } from './setup/display.mjs';
import { setUpElectron } from './setup/electron.mjs';
import { setUpNpmPackages } from './setup/npm-packages.mjs';
import { projectRoot } from './setup/project.mjs';
import { runMain } from './setup/say.mjs';

await runMain(async () => {
  setUpNpmPackages();
  setUpDebianPackages('start');
  const electron = await setUpElectron();
  setUpBuild();
  return runOnDisplay(electron, [...chromiumSwitches(), projectRoot, ...process.argv.slice(2)], {
    cwd: callersFolder(),
  });
});

/** The app runs where the user is, so that relative paths mean what they say: npm itself runs us in the work tree. */
function callersFolder() {
  return resolve(process.env.npm_lifecycle_event === 'start' ? (process.env.INIT_CWD ?? '.') : '.');
}

function chromiumSwitches() {
  // Chromium's sandbox refuses root; who runs as root has given it up.
  const asRoot = process.getuid() === 0 ? ['--no-sandbox'] : [];
  // A machine without a display has no graphics card and no desktop bus either; Chromium would complain of each.
  const underXvfb = hasDisplay() ? [] : ['--disable-gpu', '--log-level=3'];
  return [...asRoot, ...underXvfb];
}
