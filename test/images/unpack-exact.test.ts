// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawTree } from '../support/raw-tree';
import { makeScratch, removeScratch } from '../support/scratch';
import { rebuilt, unpack } from '../support/unpacking';

/*
 * A tree of all that a file can be, packed by the tools that make tars, in the formats that they write: unpacked by
 * Lamina and by the tool itself, the two trees are the same to the nanosecond, and the tar comes back byte for byte.
 */
let scratch: string;

const MAKE_TREE = String.raw`
set -e
mkdir -p d/sub 'name with spaces' ro
echo one >d/one; echo two >d/sub/two; : >empty
printf x >$'new\nline'; printf l >$'latin\xe9'; printf u >$'\xc3\xa4\xe6\x96\x87'
chown 1234:4321 d/one; chown 70000:70001 d/sub; chown -h 5:6 d
ln -s ../canary up; ln -s nowhere dangling; chown -h 7:8 up
ln d/one hard; ln up hardsymlink
mkfifo pipe; mknod char c 5 1; mknod block b 259 70000
chmod 4755 d/one; chmod 2750 d/sub; chmod 1777 'name with spaces'; chmod 0000 empty; chmod 600 char
head -c 300000 /dev/urandom >big
touch -d '2001-02-03 04:05:06.123456789' big
touch -h -d '2010-01-01 00:00:00.000000001' up
chmod 555 ro
touch -d '2002-02-02 02:02:02.2' d/sub d ro .
`;

/** Before the epoch: ustar and v7 cannot say so. */
const MAKE_OLD = `touch -d '1969-12-31 23:59:58.25 UTC' empty`;

const MAKE_LONG = String.raw`
set -e
long=$(printf 'n%.0s' {1..200}); mkdir -p "deep/$long/$long/$long"; echo deep >"deep/$long/$long/$long/file"
ln -s "$long/$long" deep/longlink; ln "deep/$long/$long/$long/file" "deep/hard"
`;

const MAKE_ATTRIBUTES = String.raw`
set -e
setfattr -n user.plain -v 'a value' d/one; setfattr -n user.empty big; setfattr -n trusted.t -v t d
setfattr -n user.binary -v 0x00ff0a3d25 d/sub/two
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 big
setfacl -m u:1000:rw,g:2000:r,m::rw d/sub/two; setfacl -d -m u:1001:rwx,g::r,o::- d/sub
touch -d '2003-03-03 03:03:03.3' d/sub d
`;

const MAKE_SPARSE = String.raw`
set -e
truncate -s 3M sparse; echo middle | dd of=sparse bs=1 seek=1048576 conv=notrunc status=none
truncate -s 200K all-hole
for i in $(seq 0 2 60); do echo "run $i" | dd of=many bs=4096 seek=$i conv=notrunc status=none; done; truncate -s 1M many
`;

beforeAll(() => {
  scratch = makeScratch('disk');
  const make = (name: string, ...scripts: string[]): void => {
    mkdirSync(`${scratch}/${name}`);
    for (const script of scripts) execFileSync('bash', ['-c', script], { cwd: `${scratch}/${name}` });
  };
  // v7 has neither devices nor names over 100 bytes.
  make('old', MAKE_TREE, 'rm -f char block pipe');
  make('plain', MAKE_TREE);
  make('rich', MAKE_TREE, MAKE_LONG, MAKE_ATTRIBUTES);
  make('sparse', MAKE_TREE, MAKE_OLD, MAKE_SPARSE);
  writeFileSync(`${scratch}/pack.py`, PYTHON);
});

afterAll(() => removeScratch(scratch));

const PYTHON = `
import sys, tarfile
with tarfile.open(sys.argv[1], 'w', format=getattr(tarfile, sys.argv[2]), encoding='utf-8') as tar:
    tar.add('.')
`;

const BY_SOURCE = 'bsdtar, PAX with attributes and ACLs';

const ATTRIBUTES = ['--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner'];

interface Packer {
  readonly tree: 'old' | 'plain' | 'rich' | 'sparse';
  readonly pack: readonly string[];
}

const gnu = (...flags: string[]): readonly string[] => ['tar', ...flags, '-cf', 'OUT', '.'];
const bsd = (...flags: string[]): readonly string[] => ['bsdtar', '--numeric-owner', ...flags, '-cf', 'OUT', '.'];

const PACKERS: Readonly<Record<string, Packer>> = {
  'GNU tar, v7': { tree: 'old', pack: gnu('--format=v7') },
  'GNU tar, old GNU': { tree: 'plain', pack: gnu('--format=oldgnu') },
  'GNU tar, GNU': { tree: 'plain', pack: gnu('--format=gnu') },
  'GNU tar, ustar': { tree: 'plain', pack: gnu('--format=ustar') },
  'GNU tar, PAX with attributes and ACLs': { tree: 'rich', pack: gnu('--format=posix', ...ATTRIBUTES) },
  'GNU tar, sparse in the old format': { tree: 'sparse', pack: gnu('--format=gnu', '--sparse') },
  'GNU tar, sparse 0.0': { tree: 'sparse', pack: gnu('--format=posix', '--sparse', '--sparse-version=0.0') },
  'GNU tar, sparse 0.1': { tree: 'sparse', pack: gnu('--format=posix', '--sparse', '--sparse-version=0.1') },
  'GNU tar, sparse 1.0': { tree: 'sparse', pack: gnu('--format=posix', '--sparse', '--sparse-version=1.0') },
  'GNU tar, a global header': {
    tree: 'plain',
    pack: gnu('--format=posix', '--pax-option=globexthdr.name=/g,comment=made by a test,mtime={@1000000000}'),
  },
  'GNU tar, blocks of 1 MiB': { tree: 'plain', pack: gnu('-b', '2048') },
  'bsdtar, v7': { tree: 'old', pack: bsd('--format=v7') },
  'bsdtar, ustar': { tree: 'plain', pack: bsd('--format=ustar') },
  'bsdtar, GNU': { tree: 'plain', pack: bsd('--format=gnutar') },
  [BY_SOURCE]: {
    tree: 'rich',
    pack: bsd('--format=pax', '--xattrs', '--acls'),
  },
  'bsdtar, sparse': { tree: 'sparse', pack: bsd('--format=pax', '--read-sparse') },
  'python, ustar': { tree: 'plain', pack: ['python3', 'PACK', 'OUT', 'USTAR_FORMAT'] },
  'python, GNU': { tree: 'plain', pack: ['python3', 'PACK', 'OUT', 'GNU_FORMAT'] },
  'python, PAX': { tree: 'plain', pack: ['python3', 'PACK', 'OUT', 'PAX_FORMAT'] },
};

/** The tree, a line an object; long content by its digest. */
const treeOf = (folder: string): string[] =>
  rawTree(folder, folder, Infinity).map((line) =>
    line.length < 2000 ? line : `${line.slice(0, 100)} ${createHash('sha256').update(line).digest('hex')}`,
  );

describe('tars of other tools are unpacked as they do, and rebuilt to the byte', () => {
  for (const [what, { tree, pack }] of Object.entries(PACKERS)) {
    it(what, async () => {
      const id = what.replace(/\W+/g, '-');
      const file = `${scratch}/${id}.tar`;
      const [program, ...flags] = pack.map((word) =>
        word === 'OUT' ? file : word === 'PACK' ? `${scratch}/pack.py` : word,
      );
      execFileSync(program!, flags, { cwd: `${scratch}/${tree}`, stdio: ['ignore', 'ignore', 'pipe'] });
      const theirs = `${scratch}/${id}-theirs`;
      mkdirSync(theirs);
      execFileSync('tar', [...ATTRIBUTES, '--same-owner', '-xpf', file], { cwd: theirs });
      const bytes = readFileSync(file);
      const ours = await unpack(bytes, scratch, `${id}-ours`);
      // bsdtar packs what is in a directory after others, and GNU tar has set the directory's time by then.
      if (what !== BY_SOURCE) expect(treeOf(ours.folder)).toEqual(treeOf(theirs));
      // Nothing is lost in these formats: it is the packed tree itself.
      if (tree === 'rich') expect(treeOf(ours.folder)).toEqual(treeOf(`${scratch}/rich`));
      expect((await rebuilt(ours)).equals(bytes)).toBe(true);
      if (tree === 'sparse' && what.includes('sparse'))
        for (const name of ['sparse', 'all-hole', 'many'])
          expect(statSync(`${ours.folder}/${name}`).blocks).toBeLessThanOrEqual(statSync(`${theirs}/${name}`).blocks);
    });
  }
});
