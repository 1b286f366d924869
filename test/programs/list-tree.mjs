// SPDX-License-Identifier: MIT
// A tree as lines, all that a program can see of it: for comparing what two file systems were left with.
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { run } from './run-program.mjs';

const TYPES = {
  0o140000: 's',
  0o120000: 'l',
  0o100000: 'f',
  0o060000: 'b',
  0o040000: 'd',
  0o020000: 'c',
  0o010000: 'p',
};

/**
 * A line a name: type and mode, owner, size, device, time, links, content, extended attributes. Names and targets are
 * bytes (latin1 strings). Of hard links each line names the first of its group.
 * @param since times from then on (ms) are told as "now": a program run twice does not run at the same moment
 * @param masked relative paths whose content is not compared (it holds times or inode numbers), their size neither
 * @param skipped relative paths that are left out, with all below
 */
export function listTree(root, { since = Infinity, masked = () => false, skipped = () => false } = {}) {
  const attributes = readAttributes(root);
  const firstOf = new Map();
  const lines = [];
  const visit = (relative) => {
    const path = Buffer.from(relative === '' ? root : `${root}/${relative}`, 'latin1');
    const stat = lstatSync(path, { bigint: true });
    const mode = Number(stat.mode);
    const type = TYPES[mode & 0o170000];
    const isDirectory = type === 'd';
    const key = `${stat.dev}:${stat.ino}`;
    if (!firstOf.has(key)) firstOf.set(key, relative);
    const isMasked = masked(relative);
    const millis = Number(stat.mtimeNs / 1_000_000n);
    lines.push(
      [
        relative || '.',
        type + (mode & 0o7777).toString(8),
        `${stat.uid}:${stat.gid}`,
        isDirectory || isMasked ? '' : stat.size,
        type === 'b' || type === 'c' ? stat.rdev : '',
        millis >= since ? 'now' : stat.mtimeNs,
        isDirectory ? '' : `${stat.nlink}=${stat.nlink > 1n ? firstOf.get(key) : ''}`,
        isMasked ? 'masked' : contentOf(path, type),
        attributes.get(relative) ?? '',
      ].join(' '),
    );
    if (!isDirectory) return;
    const names = readdirSync(path, { encoding: 'buffer' }).map((name) => name.toString('latin1'));
    for (const name of names.sort()) {
      const child = relative === '' ? name : `${relative}/${name}`;
      if (!skipped(child)) visit(child);
    }
  };
  visit('');
  return lines;
}

function contentOf(path, type) {
  if (type === 'l') return `->${readlinkSync(path, { encoding: 'buffer' }).toString('latin1')}`;
  return type === 'f' ? createHash('sha1').update(readFileSync(path)).digest('hex') : '';
}

/** The extended attributes of all names, ACLs among them, as getfattr(1) tells them: by path, sorted. */
function readAttributes(root) {
  const { stdout } = run('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'], { cwd: root });
  const found = new Map();
  for (const block of stdout.split('\n\n')) {
    const [head, ...values] = block.split('\n').filter((line) => line !== '');
    if (!head) continue;
    const name = unescapeOctal(head.replace(/^# file: /, ''));
    found.set(name === '.' ? '' : name.replace(/^\.\//, ''), values.sort().join(','));
  }
  return found;
}

const unescapeOctal = (text) => text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));

/** What differs between two lists of lines, at most `most` of it: `- ` in the first alone, `+ ` in the second. */
export function differences(first, second, most = 10) {
  const a = new Set(first);
  const b = new Set(second);
  return [
    ...first.filter((line) => !b.has(line)).map((line) => `- ${line}`),
    ...second.filter((line) => !a.has(line)).map((line) => `+ ${line}`),
  ].slice(0, most);
}
