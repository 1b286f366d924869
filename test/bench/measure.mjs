// SPDX-License-Identifier: MIT
// The measurement: rounds by the clock, then once more to count requests, and once more for memory.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { BIG_BYTES, BIG_FILE, cases as allCases, phases, writePhase } from './cases.mjs';
import { contestants as allContestants, peakMemory } from './contestants.mjs';
import { difference } from './numbers.mjs';
import { run } from './run.mjs';
import { makeAptLayer, makeMaterial } from './write-cases.mjs';

const kernel = allContestants.find(({ name }) => name === 'kernel');
const tar = allCases.find(({ name }) => name === 'tar');

/** Directory entries and inodes, not data: what this case finds in the caches is then what it brought there. */
const forgetNames = () => writeFileSync('/proc/sys/vm/drop_caches', '2');

async function withMount(contestant, lowerdir, { at, signal }, use, write) {
  // Not to be interrupted: a mount that comes up after its starter is gone would be left behind.
  const mounted = await contestant.mount(lowerdir, at, write);
  try {
    signal.throwIfAborted();
    return await use(mounted);
  } finally {
    await mounted.unmount();
  }
}

/** Writes the big file, in a layer on top of the others. Random, so that no file system can make it small. */
async function makeBigLayer(folder, signal) {
  const chunk = randomBytes(2 ** 20);
  mkdirSync(folder);
  const file = await open(join(folder, BIG_FILE), 'w');
  try {
    for (let written = 0; written < BIG_BYTES; written += chunk.length) {
      signal.throwIfAborted();
      await file.write(chunk);
    }
    // Else it would be written back in the middle of the first case.
    await file.sync();
  } finally {
    await file.close();
  }
}

async function runOnce(each, { at, signal, material }) {
  const { seconds, stdout } = await run(each.command(at, material), { signal, capture: each.timesItself });
  return each.timesItself ? Number(stdout) : seconds;
}

/** A case that writes, on a mount and an upper of its own. */
async function runWriteCase(each, contestant, bench, counting) {
  const { material, scratch } = bench;
  const [upper, work] = ['upper', 'work'].map((name) => join(scratch, name));
  for (const path of [upper, work]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
  }
  const write = { upper, work, options: each.options ?? [] };
  const use = async (mounted) => {
    await each.prepare?.(bench.at, material);
    // What was written before is not to be written back in the middle.
    await run(['sync']);
    const before = counting ? await mounted.requests() : {};
    const seconds = await runOnce(each, bench);
    const requests = counting ? difference(before, await mounted.requests()) : {};
    return [{ case: each.name, phase: writePhase, contestant: contestant.name, seconds, requests }];
  };
  try {
    return await withMount(contestant, each.lower(material), bench, use, write);
  } finally {
    for (const path of [upper, work]) rmSync(path, { recursive: true, force: true });
  }
}

/** A case on a mount of its own: cold, then warm. */
async function runCase(each, contestant, lowerdir, bench, counting = false) {
  if (each.lower) return runWriteCase(each, contestant, bench, counting);
  return withMount(contestant, lowerdir, bench, async (mounted) => {
    const measured = [];
    for (const phase of phases) {
      if (phase === 'cold') forgetNames();
      const before = counting ? await mounted.requests() : {};
      const seconds = await runOnce(each, bench);
      const requests = counting ? difference(before, await mounted.requests()) : {};
      measured.push({ case: each.name, phase, contestant: contestant.name, seconds, requests });
    }
    return measured;
  });
}

/**
 * @param bench `lowerdir`, `scratch` (an empty folder), `cases`, `contestants`, `rounds`, `signal`, and `say`, which is
 *   told how far it is
 * @returns `samples` for summarise(), `requests` by opcode, and `memory`, the servers' peaks in bytes
 */
export async function measure({ lowerdir, scratch, cases: wanted, contestants, rounds, signal, say }) {
  const bench = { at: join(scratch, 'mnt'), scratch, signal, material: null };
  mkdirSync(bench.at);
  let cases = wanted;
  const reading = cases.filter(({ lower }) => !lower);
  const needsBig = cases.some(({ big, name }) => big || name === 'copy-up');
  const bigLayer = join(scratch, 'big');
  const withBig = `${bigLayer}:${lowerdir}`;
  if (needsBig) {
    say('writing the 1 GiB file');
    await makeBigLayer(bigLayer, signal);
  }
  if (cases.some(({ lower }) => lower)) {
    say('making the layers, the archive and the repository of the cases that write');
    bench.material = { ...(await makeMaterial(scratch, { bigLayer })), bigFile: BIG_FILE, lowerdir };
    if (cases.some(({ needsApt }) => needsApt)) {
      bench.material.aptLayer = await makeAptLayer(scratch, lowerdir, kernel, bench.at);
      if (bench.material.aptLayer === null) {
        say('no packages can be fetched: the case apt is left out');
        cases = cases.filter(({ needsApt }) => !needsApt);
      }
    }
  }
  const everything = needsBig ? withBig : lowerdir;
  const stackOf = ({ big }) => (big ? withBig : lowerdir);

  const samples = [];
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}: reading the layers into the page cache`);
    if (reading.length > 0) await withMount(kernel, everything, bench, () => runOnce(tar, bench));
    for (const each of cases) {
      // The first of the last round comes last now: nobody always follows the same one.
      const turn = contestants.map((_, i) => contestants[(i + round) % contestants.length]);
      for (const contestant of turn) {
        const measured = await runCase(each, contestant, stackOf(each), bench);
        for (const { requests: _, ...sample } of measured) samples.push(sample);
        const told = measured.map(({ phase, seconds }) => `${phase} ${seconds.toFixed(3)}`).join(', ');
        say(`round ${round + 1} of ${rounds}: ${each.name}, ${contestant.name}: ${told}`);
      }
    }
  }

  // Not by the clock: asking for the counters disturbs the run that follows.
  const requests = [];
  for (const contestant of contestants.filter(({ counts }) => counts)) {
    say(`counting the requests of ${contestant.name}`);
    for (const each of cases) {
      const counted = await runCase(each, contestant, stackOf(each), bench, true);
      requests.push(...counted.map(({ seconds: _, ...rest }) => rest));
    }
  }

  // One server for all the cases: what it keeps of one it still has in the next.
  const memory = {};
  for (const contestant of reading.length > 0 ? contestants.filter(({ server }) => server) : []) {
    say(`memory of ${contestant.name}, all cases on one mount`);
    memory[contestant.name] = await withMount(contestant, everything, bench, async ({ pid }) => {
      for (const each of reading) for (const _phase of phases) await runOnce(each, bench);
      return peakMemory(pid);
    });
  }
  return { samples: inOrder(samples, contestants, cases), requests, memory };
}

/** As the tables show them, whoever's turn it was. */
function inOrder(samples, contestants, cases) {
  const rank = (sample) => [
    cases.findIndex(({ name }) => name === sample.case),
    [...phases, writePhase].indexOf(sample.phase),
    contestants.findIndex(({ name }) => name === sample.contestant),
  ];
  const compare = (a, b) => a.map((value, i) => value - b[i]).find((sign) => sign !== 0) ?? 0;
  return samples.toSorted((a, b) => compare(rank(a), rank(b)));
}
