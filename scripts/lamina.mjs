// SPDX-License-Identifier: MIT
// npm run -s lamina -- ...: the command line of the checkout, built first where it is not. Says what it sets up on
// stderr: stdout is the command's.
import { setUpBuild } from './setup/build.mjs';
import { setUpNpmPackages } from './setup/npm-packages.mjs';
import { runMain } from './setup/say.mjs';

await runMain(async () => {
  setUpNpmPackages();
  setUpBuild();
  // npm runs scripts in the work tree; relative layers mean the folder where it was called.
  if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
  await import('../out/main/cli.js');
  // Usage errors are known by now; the others set the status when they come.
  return process.exitCode;
});
