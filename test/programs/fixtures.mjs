// SPDX-License-Identifier: MIT
// What the programs work on: a tree with everything a tar or rsync can carry, a git repository, a C project.
import { copyFileSync, linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run-program.mjs';

const LONG = 'n'.repeat(255);

/** Every type of object, odd names and modes, owners, hard links, holes, attributes and ACLs; all with old times. */
export function makeRichTree(root) {
  for (const name of ['', 'dir', 'dir/deep', 'dir/deep/er', 'empty', 'sticky', 'sgid', 'odd \\ name\n'])
    mkdirSync(join(root, name));
  for (let i = 0; i < 60; i++) writeFileSync(join(root, `dir/file-${i}`), `content ${i}\n`.repeat(i * 7));
  writeFileSync(Buffer.from(`${root}/not-utf8-\xff\xfe`, 'latin1'), 'bytes\n');
  writeFileSync(join(root, LONG), 'a name of 255 bytes\n');
  writeFileSync(join(root, 'hole'), 'after the hole');
  truncateSync(join(root, 'hole'), 3_000_000);
  writeFileSync(join(root, 'hard'), 'three names\n');
  linkSync(join(root, 'hard'), join(root, 'dir/hard-2'));
  linkSync(join(root, 'hard'), join(root, 'dir/deep/hard-3'));
  symlinkSync('dir/deep', join(root, 'link'));
  symlinkSync('nowhere/at all', join(root, 'dangling'));
  run('mkfifo', [join(root, 'fifo')]);
  run('mknod', [join(root, 'char'), 'c', '1', '3']);
  run('mknod', [join(root, 'block'), 'b', '7', '200']);
  writeFileSync(join(root, 'setuid'), '#!/bin/sh\n');
  writeFileSync(join(root, 'acl'), 'for some\n');
  run('chown', ['4321:1234', join(root, 'dir/file-3'), join(root, 'dir/deep/er'), join(root, 'setuid')]);
  run('chown', ['-h', '77:88', join(root, 'dangling')]);
  run('chmod', ['6755', join(root, 'setuid')]);
  run('chmod', ['1777', join(root, 'sticky')]);
  run('chmod', ['2755', join(root, 'sgid')]);
  run('chmod', ['0', join(root, 'dir/file-5')]);
  run('setfattr', ['-n', 'user.note', '-v', 'kept', join(root, 'acl')]);
  run('setfattr', ['-n', 'trusted.note', '-v', 'kept too', join(root, 'dir')]);
  run('setfacl', ['-m', 'u:4321:rw,g:1234:r', join(root, 'acl')]);
  run('setfacl', ['-d', '-m', 'u:4321:rwx', join(root, 'sgid')]);
  run('find', [root, '-depth', '-exec', 'touch', '-h', '-d', '2024-02-03 04:05:06.123456789', '{}', '+']);
}

/** A repository with a history: files added, changed, moved and removed, a symlink, an executable. */
export function makeRepository(root) {
  const git = (...args) =>
    run('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.org', '-c', 'init.defaultBranch=main', ...args], {
      cwd: root,
      env: { GIT_AUTHOR_DATE: '2024-01-01T00:00:00Z', GIT_COMMITTER_DATE: '2024-01-01T00:00:00Z' },
    });
  mkdirSync(root);
  git('init', '-q');
  for (const folder of ['src', 'src/sub', 'docs']) mkdirSync(join(root, folder));
  for (let i = 0; i < 120; i++) writeFileSync(join(root, `src/sub/file-${i}.c`), `int f${i}(void) { return ${i}; }\n`);
  writeFileSync(join(root, 'docs/read me'), 'text\n');
  symlinkSync('docs/read me', join(root, 'README'));
  git('add', '-A');
  git('commit', '-q', '-m', 'one');
  git('mv', 'src/sub', 'src/moved');
  git('rm', '-q', '-f', 'src/moved/file-7.c');
  writeFileSync(join(root, 'src/moved/file-8.c'), 'int f8(void) { return 80; }\n');
  writeFileSync(join(root, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  git('add', '-A');
  git('commit', '-q', '-m', 'two');
}

const SOURCES = 24;

/** A C project: generated sources and headers, a library, a program, dependencies by the compiler, install. */
export function makeProject(root) {
  mkdirSync(join(root, 'src'), { recursive: true });
  const numbers = Array.from({ length: SOURCES }, (_, i) => i);
  for (const i of numbers) {
    writeFileSync(join(root, `src/f${i}.h`), `int f${i}(int x);\n`);
    const calls = i === 0 ? 'x' : `f${i - 1}(x) + ${i}`;
    const include = i === 0 ? '' : `#include "f${i - 1}.h"\n`;
    writeFileSync(join(root, `src/f${i}.c`), `${include}#include "f${i}.h"\nint f${i}(int x) { return ${calls}; }\n`);
  }
  writeFileSync(
    join(root, 'src/main.c'),
    `#include <stdio.h>\n#include "f${SOURCES - 1}.h"\nint main(void) { printf("%d\\n", f${SOURCES - 1}(1)); return 0; }\n`,
  );
  writeFileSync(
    join(root, 'Makefile'),
    [
      `OBJECTS := ${numbers.map((i) => `build/f${i}.o`).join(' ')}`,
      'CFLAGS := -O1 -g -MMD -ffile-prefix-map=$(CURDIR)=. -Isrc',
      'all: build/program',
      'build/%.o: src/%.c | build ; $(CC) $(CFLAGS) -c -o $@ $<',
      'build: ; mkdir -p $@',
      'build/libf.a: $(OBJECTS) ; rm -f $@ && ar rcD $@ $^',
      'build/program: build/main.o build/libf.a ; $(CC) -o $@ $^ && strip $@',
      'install: all ; install -D -m 755 build/program out/bin/program && ln -sf program out/bin/alias',
      'clean: ; rm -rf build',
      '-include build/*.d',
      '',
    ].join('\n'),
  );
  utimesSync(join(root, 'Makefile'), 1_700_000_000, 1_700_000_000);
}

/** A lower layer that the programs find on their mount: the rich tree, an old copy of the sources, and an old database. */
export function makeLower(root) {
  mkdirSync(root);
  makeRichTree(join(root, 'rich'));
  makeProject(join(root, 'project'));
  mkdirSync(join(root, 'data'));
  run('sqlite3', [join(root, 'data/old.db'), 'create table t(a integer primary key, b text)']);
  const rows = Array.from({ length: 500 }, (_, i) => `insert into t values(${i}, 'row ${i}');`).join('');
  run('sqlite3', [join(root, 'data/old.db')], { input: `begin;${rows}commit;` });
  copyFileSync(join(root, 'data/old.db'), join(root, 'data/read.db'));
}
