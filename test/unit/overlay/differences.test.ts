// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { countChanges } from '@shared/changes';
import { sharedAttributes, statDifferences } from '../../../src/main/overlay/differences';
import { OVERLAY_XATTRS } from '../../../src/main/overlay/xattr-names';
import { statPath, type Stat } from '../../../src/main/system/stat';

const file: Stat = { ...statPath('/proc/self/exe'), mode: 0o100644, uid: 1, gid: 2, mtime: 5, mtimeNs: 6 };
const directory: Stat = { ...file, mode: 0o040755 };

test('what a copy-up keeps is compared, to the nanosecond', () => {
  expect(statDifferences(file, { ...file })).toEqual([]);
  expect(statDifferences(file, { ...file, atime: 1, ctime: 1, nlink: 9, inoLow: 1 })).toEqual([]);
  expect(statDifferences(file, { ...file, mode: 0o104644 })).toEqual(['mode']);
  expect(statDifferences(file, { ...file, uid: 0, gid: 0 })).toEqual(['owner', 'group']);
  expect(statDifferences(file, { ...file, mtimeNs: 7 })).toEqual(['mtime']);
});

test('the mtime of a directory moves with the names in it', () => {
  expect(statDifferences(directory, { ...directory, mtime: 9 })).toEqual([]);
  expect(statDifferences(directory, { ...directory, mode: 0o041777 })).toEqual(['mode']);
});

test('only attributes that the mount shows count', () => {
  const stored = ['user.k', 'trusted.overlay.origin', 'trusted.overlay.overlay.opaque', 'user.overlay.opaque'];
  expect(sharedAttributes(stored, OVERLAY_XATTRS.trusted)).toEqual([
    'user.k',
    'trusted.overlay.overlay.opaque',
    'user.overlay.opaque',
  ]);
  expect(sharedAttributes(stored, OVERLAY_XATTRS.user)).toEqual(stored.slice(0, 3));
});

test('changes are counted by kind', () => {
  const counts = countChanges([{ kind: 'added' }, { kind: 'stray' }, { kind: 'added' }]);
  expect(counts).toMatchObject({ added: 2, stray: 1, deleted: 0 });
});
