// SPDX-License-Identifier: MIT
// random-read.mjs FILE: 50,000 reads of 4 KiB at random places, the same ones every time. Prints the seconds it took.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const READS = 50_000;
const BYTES = 4096;

/** A small generator of 32-bit numbers (xorshift): Math.random cannot be seeded. */
function* numbers(seed) {
  for (let state = seed; ;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

const buffer = Buffer.alloc(BYTES);
const started = performance.now();
const fd = openSync(process.argv[2], 'r');
const pages = Math.floor(fstatSync(fd).size / BYTES);
const random = numbers(20_240_607);
for (let i = 0; i < READS; i++) {
  const at = (random.next().value % pages) * BYTES;
  if (readSync(fd, buffer, 0, BYTES, at) !== BYTES) throw new Error(`short read at ${at}`);
}
closeSync(fd);
console.log((performance.now() - started) / 1000);
