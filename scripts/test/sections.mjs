// SPDX-License-Identifier: MIT
// The checks of `npm test`, in their order. `system`: it needs the Debian packages and the FUSE device.
import { build, setUpBuild } from '../setup/build.mjs';
import { hasDisplay } from '../setup/display.mjs';
import { setUpElectron } from '../setup/electron.mjs';
import { say, SetUpFailure } from '../setup/say.mjs';
import { addUp } from './counts.mjs';
import { runTool } from './tool.mjs';
import { runVitest } from './vitest.mjs';

export const sections = [
  {
    name: 'types',
    title: 'TypeScript and Svelte components',
    run: async () =>
      addUp([
        await runTool('typescript/bin/tsc', ['--noEmit', '-p', 'tsconfig.json']),
        await runTool('svelte-check/bin/svelte-check', [
          '--tsconfig',
          'src/renderer/tsconfig.json',
          '--fail-on-warnings',
        ]),
      ]),
  },
  { name: 'lint', title: 'ESLint', run: () => runTool('eslint/bin/eslint.js', ['.', '--max-warnings', '0']) },
  {
    name: 'format',
    title: 'Prettier',
    run: () => runTool('prettier/bin/prettier.cjs', ['--check', '.', '--log-level', 'warn']),
  },
  { name: 'build', title: 'electron-vite', run: () => attempt(build) },
  { name: 'unit', title: 'units', run: () => runVitest('unit') },
  { name: 'engine', title: "the engine against the kernel's overlayfs", system: true, run: () => runVitest('engine') },
  { name: 'fuse', title: 'FUSE mounts', system: true, run: () => onBuild(() => runVitest('fuse')) },
  {
    name: 'images',
    title: 'images, with the tools of others',
    system: true,
    run: () => onBuild(() => runVitest('images')),
  },
  { name: 'e2e', title: 'the app in a real Electron', system: true, run: () => onBuild(e2e) },
];

async function e2e() {
  const electron = await setUpElectron();
  return runVitest('e2e', { environment: { LAMINA_ELECTRON: electron }, windows: !hasDisplay() });
}

/** For checks that run what was built, when they run without the build check before them. */
async function onBuild(check) {
  const built = attempt(setUpBuild);
  return built.failed > 0 ? built : check();
}

function attempt(step) {
  try {
    step();
    return { passed: 1, failed: 0, skipped: 0 };
  } catch (error) {
    if (!(error instanceof SetUpFailure)) throw error;
    say(error.message);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
