// SPDX-License-Identifier: MIT
// Makes, writes and removes 10,000 small files below the folder given; prints the seconds.
import { mkdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const COUNT = 10_000;
const DIRECTORIES = 10;
const folder = join(process.argv[2], 'small-files');
const content = Buffer.alloc(100, 'x');
const pathOf = (i) => join(folder, String(i % DIRECTORIES), `file-${i}`);

const started = performance.now();
mkdirSync(folder);
for (let i = 0; i < DIRECTORIES; i++) mkdirSync(join(folder, String(i)));
for (let i = 0; i < COUNT; i++) writeFileSync(pathOf(i), content);
for (let i = 0; i < COUNT; i++) unlinkSync(pathOf(i));
for (let i = 0; i < DIRECTORIES; i++) rmdirSync(join(folder, String(i)));
rmdirSync(folder);
console.log((performance.now() - started) / 1000);
