// SPDX-License-Identifier: MIT
// A program at work in a mount whose process is killed meanwhile. Each call is written down before it is made, and its
// result after it, so that who reads the journal knows what must be there: all of it, but for the last call.
import {
  appendFileSync,
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Content that tells where it is from: a part of it cannot be taken for another's. */
export function content(seed, bytes) {
  let text = '';
  for (let i = 0; text.length < bytes; i++) text += `<${seed}:${i}>\n`;
  return Buffer.from(text.slice(0, bytes));
}

function withFile(path, flags, use) {
  const fd = openSync(path, flags);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

const actions = {
  chmod: (at, { path, mode }) => chmodSync(at(path), mode),
  append: (at, { path, seed, bytes }) => appendFileSync(at(path), content(seed, bytes), { flag: 'a' }),
  write: (at, { path, offset, seed, bytes }) =>
    withFile(at(path), 'r+', (fd) => writeSync(fd, content(seed, bytes), 0, bytes, offset)),
  truncate: (at, { path, bytes }) => truncateSync(at(path), bytes),
  empty: (at, { path }) => withFile(at(path), 'w', () => undefined),
  fsync: (at, { path }) => withFile(at(path), 'r', fsyncSync),
  create: (at, { path }) => withFile(at(path), 'wx', () => undefined),
  rename: (at, { path, to }) => renameSync(at(path), at(to)),
  link: (at, { path, to }) => linkSync(at(path), at(to)),
  symlink: (at, { path, target }) => symlinkSync(target, at(path)),
  unlink: (at, { path }) => unlinkSync(at(path)),
  mkdir: (at, { path }) => mkdirSync(at(path)),
  rmdir: (at, { path }) => rmdirSync(at(path)),
  utimes: (at, { path, seconds }) => utimesSync(at(path), seconds, seconds),
};

/** Makes one call below `root`. Returns `ok` or the error's code. */
export function perform(root, action) {
  try {
    actions[action.kind]((path) => join(root, path), action);
    return 'ok';
  } catch (error) {
    return error.code;
  }
}

/** Numbers below `limit`, the same for the same seed (mulberry32). */
function numbers(seed) {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

const LOOK_EVERY = 10;

/** Makes up what to do next, of what there is. */
class Worker {
  made = 0;

  constructor(root, seed) {
    this.root = root;
    this.seed = seed;
    this.below = numbers(seed);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Directories and files below the root, a few levels deep. */
  look() {
    const directories = ['.'];
    const files = [];
    for (let i = 0; i < directories.length; i++) {
      for (const entry of readdirSync(join(this.root, directories[i]), { withFileTypes: true })) {
        const path = join(directories[i], entry.name);
        if (entry.isDirectory()) directories.push(path);
        else if (entry.isFile()) files.push(path);
      }
    }
    return { directories, files };
  }

  name(directory) {
    return join(directory, `n${this.below(30)}`);
  }

  /** A few calls that belong together. Of what was there a while ago: names that went since give ENOENT. */
  plan() {
    if (this.made % LOOK_EVERY === 0) this.seen = this.look();
    const { directories, files } = this.seen;
    const file = files.length > 0 ? this.pick(files) : 'f';
    const directory = this.pick(directories);
    const fresh = this.name(this.pick(directories));
    const seed = `${this.seed}.${this.made++}`;
    const bytes = 1 + this.below(20_000);
    const plans = [
      () => [{ kind: 'chmod', path: file, mode: 0o600 + this.below(0o200) }],
      () => [{ kind: 'append', path: file, seed, bytes }],
      () => [
        { kind: 'chmod', path: file, mode: 0o644 },
        { kind: 'append', path: file, seed, bytes },
        { kind: 'fsync', path: file },
      ],
      () => [{ kind: 'write', path: file, offset: this.below(5000), seed, bytes }],
      () => [{ kind: 'truncate', path: file, bytes: this.below(8000) }],
      () => [
        { kind: 'empty', path: file },
        { kind: 'append', path: file, seed, bytes },
      ],
      () => [
        { kind: 'create', path: fresh },
        { kind: 'append', path: fresh, seed, bytes },
        { kind: 'fsync', path: fresh },
        { kind: 'rename', path: fresh, to: file },
      ],
      () => this.mass(directory, seed),
      () => [{ kind: 'rename', path: file, to: fresh }],
      () => [{ kind: 'rename', path: file, to: this.pick(files) ?? fresh }],
      () => [{ kind: 'rename', path: directory, to: fresh }],
      () => [{ kind: 'rename', path: directory, to: this.pick(directories) }],
      () => [{ kind: 'link', path: file, to: fresh }],
      () => [{ kind: 'symlink', path: fresh, target: seed }],
      () => [{ kind: 'unlink', path: file }],
      () => [{ kind: 'mkdir', path: fresh }],
      () => this.clear(directory, files),
      () => [{ kind: 'utimes', path: file, seconds: 1_000_000_000 + this.below(1000) }],
    ];
    return this.pick(plans)();
  }

  mass(directory, seed) {
    const files = Array.from({ length: 5 }, (_, i) => join(directory, `m${i}`));
    return files.flatMap((path, i) => [
      { kind: 'create', path },
      { kind: 'append', path, seed: `${seed}.${i}`, bytes: 1000 },
      ...(i === 0 ? [{ kind: 'fsync', path }] : []),
      ...(i % 2 === 0 ? [{ kind: 'unlink', path }] : []),
    ]);
  }

  /** Empties a directory and removes it, and makes one in its place. */
  clear(directory, files) {
    const inside = files.filter((path) => path.startsWith(`${directory}/`));
    if (directory === '.' || inside.length > 12) return [];
    return [
      ...inside.map((path) => ({ kind: 'unlink', path })),
      { kind: 'rmdir', path: directory },
      { kind: 'mkdir', path: directory },
    ];
  }
}

const DEAD = ['ENOTCONN', 'ECONNABORTED'];

function work(root, seed, journal) {
  const worker = new Worker(root, seed);
  for (;;) {
    let plan;
    try {
      plan = worker.plan();
    } catch {
      // The mount died while it was looked at.
      return;
    }
    for (const action of plan) {
      writeSync(journal, `${JSON.stringify(action)}\n`);
      const result = perform(root, action);
      if (DEAD.includes(result)) return;
      writeSync(journal, `${result}\n`);
    }
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.umask(0o022);
  process.on('message', ({ root, seed, journal }) => {
    const fd = openSync(journal, 'w');
    work(root, seed, fd);
    closeSync(fd);
    process.send('dead');
  });
  process.on('disconnect', () => process.exit(0));
}
