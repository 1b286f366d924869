// SPDX-License-Identifier: MIT
// npm test: sets up what is missing, then runs every check and sums up. `npm test -- unit lint` runs only those.
import { setUpDebianPackages } from './setup/apt.mjs';
import { interruptedBy } from './setup/child.mjs';
import { setUpNpmPackages } from './setup/npm-packages.mjs';
import { runMain, say, SetUpFailure } from './setup/say.mjs';
import { openFuse } from './test/fuse-device.mjs';
import { addUp, summary } from './test/counts.mjs';
import { sections } from './test/sections.mjs';

await runMain(async () => {
  const wanted = choose(process.argv.slice(2));
  setUpNpmPackages();
  if (wanted.some((section) => section.system)) {
    setUpDebianPackages('test');
    openFuse();
    if (process.getuid() !== 0) say('Not root: tests that need root are skipped');
  }
  const results = [];
  // One after the other, and all of them: a failure early on must not hide one that comes later.
  for (const section of wanted) {
    results.push({ section, ...(await timed(section)) });
    if (interruptedBy()) throw new SetUpFailure(`stopped by ${interruptedBy()}`);
  }
  console.log('\n== Summary');
  for (const { section, counts, seconds } of results) {
    console.log(`${counts.failed > 0 ? 'FAIL' : 'ok  '} ${section.name.padEnd(8)} ${seconds}s  ${summary(counts)}`);
  }
  const total = addUp(results.map((result) => result.counts));
  // Last, because of a long run the end alone is what most people get to see.
  for (const failure of total.failures) console.log(`\nFAILED ${failure}`);
  console.log(`\n${summary(total)}`);
  return total.failed > 0 ? 1 : 0;
});

async function timed(section) {
  console.log(`\n== ${section.name}: ${section.title}`);
  const started = performance.now();
  const counts = await section.run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`-- ${section.name}: ${counts.failed > 0 ? 'FAILED' : 'ok'} in ${seconds}s`);
  return { counts, seconds };
}

function choose(names) {
  const unknown = names.filter((name) => !sections.some((section) => section.name === name));
  if (unknown.length > 0) {
    throw new SetUpFailure(
      `no such check: ${unknown.join(' ')}. There are: ${sections.map((each) => each.name).join(' ')}`,
    );
  }
  return names.length === 0 ? sections : sections.filter((section) => names.includes(section.name));
}
