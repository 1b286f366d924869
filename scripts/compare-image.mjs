// SPDX-License-Identifier: MIT
/*
 * Mounts the layers of an image with the kernel's overlayfs and with Lamina, by both transports, and compares the whole
 * trees: names in order, type, mode, owner, device, size, times to the nanosecond, link counts, inode numbers, link
 * targets, content, extended attributes.
 *
 *   node scripts/compare-image.mjs FOLDER     FOLDER/lowerdir holds the value for -o lowerdir=
 *
 * Needs root and getfattr (package attr). Exit status 0 where there is no difference.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = process.argv[2];
if (!folder || process.getuid?.() !== 0) {
  console.error('usage (as root): node scripts/compare-image.mjs FOLDER');
  process.exit(2);
}
const lowerdir = readFileSync(join(folder, 'lowerdir'), 'utf8').trim();
const at = mkdtempSync(join(tmpdir(), 'lamina-compare-'));
const lamina = (...args) =>
  execFileSync(process.execPath, ['out/main/cli.js', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });

const chunk = Buffer.alloc(1 << 20);
function digest(path) {
  const hash = createHash('sha256');
  const fd = openSync(path, 'r');
  for (let count; (count = readSync(fd, chunk)) > 0;) hash.update(chunk.subarray(0, count));
  closeSync(fd);
  return hash.digest('hex');
}

/** A line for each name, in the order in which readdir gives them. */
function* observe(path, name) {
  const stat = lstatSync(path, { bigint: true });
  const { mode, uid, gid, nlink, size, rdev, ino, mtimeNs, ctimeNs } = stat;
  const facts = [mode.toString(8), uid, gid, nlink, stat.isDirectory() ? '-' : size, rdev, ino, mtimeNs, ctimeNs];
  if (stat.isSymbolicLink()) facts.push(readlinkSync(path, 'latin1'));
  if (stat.isFile()) facts.push(digest(path));
  yield `${JSON.stringify(name)} ${facts.join(' ')}`;
  if (!stat.isDirectory()) return;
  const names = readdirSync(path, 'buffer');
  yield `${JSON.stringify(name)} names ${JSON.stringify(names.map((found) => found.toString('latin1')))}`;
  for (const found of names)
    yield* observe(Buffer.concat([path, Buffer.from('/'), found]), `${name}/${found.toString('latin1')}`);
}

function xattrs(root) {
  const text = execFileSync('getfattr', ['-R', '-h', '-d', '-m', '-', '-e', 'hex', '.'], {
    cwd: root,
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return text
    .toString('latin1')
    .split('\n\n')
    .map((block) => `xattrs ${block.split('\n').sort().join(' ')}`)
    .sort();
}

const viewOf = (root) => [...observe(Buffer.from(root), ''), ...xattrs(root)];

function withMount(label, mount, unmount) {
  mount();
  try {
    const started = Date.now();
    const view = viewOf(at);
    console.log(`${label}: ${view.length} observations in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return view;
  } finally {
    unmount();
  }
}

let failed = false;
try {
  const kernel = withMount(
    'kernel overlayfs',
    () => execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', `lowerdir=${lowerdir}`, at]),
    () => execFileSync('umount', [at]),
  );
  for (const transport of ['direct', 'fuse-native']) {
    const seen = withMount(
      `lamina ${transport}`,
      () => lamina('mount', '--transport', transport, '-o', `lowerdir=${lowerdir}`, at),
      () => lamina('umount', at),
    );
    const known = new Set(kernel);
    const found = new Set(seen);
    const differences = [
      ...kernel.filter((line) => !found.has(line)).map((line) => `- ${line}`),
      ...seen.filter((line) => !known.has(line)).map((line) => `+ ${line}`),
    ];
    const sameOrder = differences.length > 0 || kernel.every((line, i) => line === seen[i]);
    console.log(`lamina ${transport}: ${differences.length} differences${sameOrder ? '' : ', other order'}`);
    for (const line of differences.slice(0, 20)) console.log(`  ${line.slice(0, 300)}`);
    failed ||= differences.length > 0 || !sameOrder;
  }
} finally {
  rmSync(at, { recursive: true });
}
process.exitCode = failed ? 1 : 0;
