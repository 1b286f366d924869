// SPDX-License-Identifier: MIT
// Real programs at work on a mount. Each gives what it has to say, to be compared with what it says elsewhere.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { outputOf, run } from './run-program.mjs';

/** Names in a git directory that hold times or inode numbers, or are made with a random name. */
const GIT_MASKED = /(^|\/)\.git\/(index|logs\/.*|objects\/pack\/.*)$/;

/**
 * `work(at, fixtures)` runs in an empty-handed mount of the lower of fixtures.mjs. `masked`: whose content holds times;
 * `exactTimes`: the program sets all times of what it makes.
 */
export const workloads = [
  {
    name: 'git clone, checkout, rebase of a work tree',
    masked: (path) => GIT_MASKED.test(path),
    work(at, { repository }) {
      const tree = join(at, 'clone');
      const git = (...args) =>
        run('git', ['-c', 'user.name=B', '-c', 'user.email=b@example.org', '-c', 'safe.directory=*', ...args], {
          cwd: tree,
          env: { GIT_AUTHOR_DATE: '2024-05-01T00:00:00Z', GIT_COMMITTER_DATE: '2024-05-01T00:00:00Z' },
        }).stdout;
      run('git', ['-c', 'safe.directory=*', 'clone', '-q', '--no-hardlinks', repository, tree]);
      git('checkout', '-q', 'HEAD~1');
      git('checkout', '-q', 'main');
      git('mv', 'src/moved', 'src/again');
      git('commit', '-q', '-a', '-m', 'three');
      git('gc', '-q', '--prune=now');
      git('fsck', '--strict', '--no-progress');
      return [git('status', '--porcelain'), git('log', '--format=%H')];
    },
  },
  {
    name: 'tar x, with owners, attributes, ACLs, holes, links, devices; over what is there',
    exactTimes: true,
    work(at, { archive }) {
      const flags = ['--xattrs', '--xattrs-include=*', '--acls', '--same-owner', '-p'];
      mkdirSync(join(at, 'unpacked'));
      run('tar', ['-x', ...flags, '-C', join(at, 'unpacked'), '-f', archive]);
      // Once more, over the lower's own: every file is replaced.
      run('tar', ['-x', ...flags, '--overwrite', '-C', at, '-f', archive]);
      // What tar itself did not get right (a set-id bit lost to the change of owner) is the same on both.
      const told = run('tar', ['-d', '-C', at, '-f', archive], { mayFail: true });
      run('touch', ['-d', '2024-01-01 00:00:00', join(at, 'unpacked'), at]);
      return [told.stdout];
    },
  },
  {
    name: 'rsync -aHAX, and again with nothing to do; --delete over a lower tree',
    exactTimes: true,
    work(at, { rich }) {
      run('rsync', ['-aHAX', `${rich}/`, join(at, 'synced')]);
      const again = outputOf('rsync', ['-aHAXni', `${rich}/`, join(at, 'synced')]);
      run('rsync', ['-aHAX', '--delete', '--ignore-times', `${rich}/dir/`, join(at, 'rich')]);
      run('touch', ['-d', '2024-01-01 00:00:00', at]);
      return [again];
    },
  },
  {
    name: 'make -j2, touch and make again, install, clean',
    work(at) {
      const project = join(at, 'project');
      const make = (...args) => run('make', ['-s', ...args], { cwd: project });
      make('-j2');
      const first = outputOf(join(project, 'build/program'), []);
      const nothing = outputOf('make', ['-q'], { cwd: project });
      run('touch', [join(project, 'src/f3.h')]);
      const stale = run('make', ['-q'], { cwd: project, mayFail: true }).status;
      make('-j2', 'install');
      const second = outputOf(join(project, 'out/bin/alias'), []);
      run('cp', ['-a', join(project, 'build'), join(at, 'kept')]);
      make('clean');
      return [first, nothing, String(stale), second];
    },
  },
  {
    name: 'sqlite3 in WAL mode: two connections, a crash, recovery',
    // Pages of a database hold what was in them before; the dump is what counts, and is compared.
    masked: (path) => path.endsWith('.db'),
    work(at) {
      const old = join(at, 'data/old.db');
      const sql = (file, text) => outputOf('sqlite3', ['-bail', file], { input: text });
      const mode = sql(old, 'pragma journal_mode=wal;');
      sql(old, "insert into t select a + 1000, b || ' again' from t; update t set b = 'changed' where a % 7 = 0;");
      const fresh = join(at, 'data/fresh.db');
      sql(fresh, 'pragma journal_mode=wal; create table u(x); insert into u values(1);');
      // A writer that ends without closing leaves its WAL behind, and the next one recovers from it.
      const crash = `pragma wal_autocheckpoint=0; insert into u values(2); insert into u values(3);\n.shell kill -9 $PPID\n`;
      run('sqlite3', [fresh], { input: crash, mayFail: true });
      const recovered = sql(fresh, 'select group_concat(x) from u; pragma integrity_check;');
      if (recovered !== '1,2,3\nok') throw new Error(`the WAL was not recovered: ${recovered}`);
      const dump = sql(old, '.dump');
      const read = sql(join(at, 'data/read.db'), 'select count(*) from t;');
      return [mode, recovered, dump, read, sql(old, 'pragma integrity_check;')];
    },
  },
  {
    name: 'cp -a, mv of directories, rm -r',
    exactTimes: false,
    work(at) {
      run('cp', ['-a', join(at, 'rich'), join(at, 'copy')]);
      run('mv', [join(at, 'rich/dir'), join(at, 'moved')]);
      run('mv', [join(at, 'copy'), join(at, 'rich/inside')]);
      rmSync(join(at, 'project'), { recursive: true });
      mkdirSync(join(at, 'project'));
      return [outputOf('du', ['--apparent-size', '-s', '-l', join(at, 'moved')]).split('\t')[0]];
    },
  },
];
