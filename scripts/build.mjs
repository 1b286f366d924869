// SPDX-License-Identifier: MIT
// npm run build: builds the app, whether or not something has changed.
import { build } from './setup/build.mjs';
import { setUpNpmPackages } from './setup/npm-packages.mjs';
import { runMain } from './setup/say.mjs';

await runMain(() => {
  setUpNpmPackages();
  build();
});
