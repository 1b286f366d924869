// SPDX-License-Identifier: MIT
/*
 * Speed, memory and requests of Lamina beside the kernel's overlayfs and fuse-overlayfs, on the layers of an image.
 *
 *   npm run bench [-- IMAGE_FOLDER] [--rounds N] [--cases a,b] [--contestants a,b] [--json FILE]
 *
 * Needs root and fuse-overlayfs. The image's folder is the argument or LAMINA_IMAGE; its file `lowerdir` holds the value
 * for -o lowerdir=. What is measured is in test/bench/cases.mjs and write-cases.mjs, the goals are in test/bench/goals.mjs; a missed goal is
 * a line of the report, not a failure. LAMINA_BENCH_SCRATCH is a folder for the mount point and a file of 1 GiB, on a
 * file system that can be a lower layer (default: /var/tmp).
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, constants, loadavg, release } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cases as readCases } from '../test/bench/cases.mjs';
import { contestants } from '../test/bench/contestants.mjs';
import { judge } from '../test/bench/goals.mjs';
import { measure } from '../test/bench/measure.mjs';
import { summarise } from '../test/bench/numbers.mjs';
import { report } from '../test/bench/report.mjs';
import { writeCases } from '../test/bench/write-cases.mjs';
import { setUpBuild } from './setup/build.mjs';
import { setUpNpmPackages } from './setup/npm-packages.mjs';
import { runMain, say, SetUpFailure } from './setup/say.mjs';

const cases = [...readCases, ...writeCases];
const usage = `usage (as root): npm run bench -- IMAGE_FOLDER [--rounds N] [--cases a,b] [--contestants a,b] [--json FILE]
  IMAGE_FOLDER   its file "lowerdir" holds the value for -o lowerdir= (default: LAMINA_IMAGE)
  cases          ${cases.map(({ name }) => name).join(',')}
  contestants    ${contestants.map(({ name }) => name).join(',')}`;

await runMain(async () => {
  const { image, lowerdir, json, ...wanted } = readArguments();
  setUpNpmPackages();
  setUpBuild();
  const stop = new AbortController();
  // The handlers stay: a second Ctrl-C must not end us in the middle of cleaning up.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => {
      if (!stop.signal.aborted) say(`${name}: cleaning up`);
      stop.abort(name);
    });
  }
  const before = load();
  const scratch = mkdtempSync(join(process.env.LAMINA_BENCH_SCRATCH ?? '/var/tmp', 'lamina-bench-'));
  try {
    const measured = await measure({ lowerdir, scratch, ...wanted, signal: stop.signal, say });
    const results = summarise(measured.samples);
    const outcome = {
      date: new Date().toISOString(),
      image,
      machine: { kernel: release(), cpus: availableParallelism(), node: process.versions.node },
      rounds: wanted.rounds,
      load: { before, after: load() },
      results,
      memory: measured.memory,
      requests: measured.requests,
      verdicts: judge(results),
    };
    console.log(report(outcome, wanted.contestants));
    if (json) writeFileSync(json, `${JSON.stringify(outcome, null, 2)}\n`);
    return 0;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return 128 + constants.signals[stop.signal.reason];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

/** The load of the last minute: who reads the numbers shall see what else was going on. */
function load() {
  return Number(loadavg()[0].toFixed(2));
}

function readArguments() {
  const { values, positionals } = parse();
  // npm runs us in the work tree; the user's relative paths start where npm was called.
  const here = process.env.npm_lifecycle_event === 'bench' ? (process.env.INIT_CWD ?? '.') : '.';
  const folder = positionals[0] ?? process.env.LAMINA_IMAGE;
  if (!folder || positionals.length > 1) throw new SetUpFailure(usage);
  if (process.getuid() !== 0) throw new SetUpFailure(`only root can mount what is compared\n${usage}`);
  const image = resolve(here, folder);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new SetUpFailure(`--rounds is a number from 1 up\n${usage}`);
  return {
    image,
    lowerdir: readLowerdir(image),
    rounds,
    cases: choose('--cases', cases, values.cases),
    contestants: choose('--contestants', contestants, values.contestants),
    json: values.json && resolve(here, values.json),
  };
}

function parse() {
  const text = { type: 'string' };
  try {
    return parseArgs({
      options: { rounds: { type: 'string', default: '3' }, cases: text, contestants: text, json: text },
      allowPositionals: true,
    });
  } catch (error) {
    throw new SetUpFailure(`${error.message}\n${usage}`);
  }
}

function readLowerdir(image) {
  try {
    return readFileSync(join(image, 'lowerdir'), 'utf8').trim();
  } catch (error) {
    throw new SetUpFailure(`${image} is no folder of make-debian-image.sh (${error.message})\n${usage}`);
  }
}

/** Those of the list that a comma-separated option names; all without the option. */
function choose(option, all, names) {
  if (names === undefined) return all;
  const wanted = names.split(',');
  const unknown = wanted.filter((name) => !all.some((each) => each.name === name));
  if (unknown.length > 0) throw new SetUpFailure(`${option}: no such name: ${unknown.join(' ')}\n${usage}`);
  return all.filter(({ name }) => wanted.includes(name));
}
