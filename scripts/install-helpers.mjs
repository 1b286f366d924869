// SPDX-License-Identifier: MIT
// npm run install-helpers [-- --prefix DIR] [-- --uninstall]: puts `lamina`, `lamina-fuse` and mount(8)'s helper for
// the type fuse.lamina where programs look for them. They are launchers that start this checkout's build.
import { parseArgs } from 'node:util';
import { setUpBuild } from './setup/build.mjs';
import { installHelpers, uninstallHelpers } from './setup/helpers.mjs';
import { setUpNpmPackages } from './setup/npm-packages.mjs';
import { runMain, say, SetUpFailure } from './setup/say.mjs';

await runMain(() => {
  const { values } = parseArgs({ options: { prefix: { type: 'string' }, uninstall: { type: 'boolean' } } });
  try {
    if (values.uninstall) {
      for (const path of uninstallHelpers(values.prefix)) say(`removed ${path}`);
      return;
    }
    setUpNpmPackages();
    setUpBuild();
    for (const path of installHelpers(values.prefix)) say(`wrote ${path}`);
  } catch (error) {
    if (error.code !== 'EACCES' && error.code !== 'EPERM') throw error;
    throw new SetUpFailure(`${error.message}\nRun it as root, or with --prefix DIR for a folder of your own.`);
  }
});
