// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { display, type ByteString } from '@shared/bytes';
import { Failure } from '@shared/failure';
import type { Digest } from '@shared/images';
import { visitTree } from '../../layers/remove-tree';
import { isMarkName, OPAQUE_MARK, removedBy } from '../../overlay/whiteout-names';
import { closeFile, O_DIRECTORY, O_RDONLY, openAt, readLinkAt } from '../../system/files';
import { AT_FDCWD, SystemError } from '../../system/libc';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, type Stat } from '../../system/stat';
import { rebuildTar } from '../tar-split/rebuild';
import type { EntryKind, TarEntry } from '../tar/entry';
import { TarReader } from '../tar/reader';
import { TarError } from '../tar/tar-error';

/** What a layer is held against. */
export interface LayerToCheck {
  readonly folder: ByteString;
  readonly tarSplit: ByteString;
  readonly diffId: Digest;
  /** Whether owners, modes and times of the files are the tar's own: of our unpacking as root. */
  readonly hasMetadata: boolean;
}

/** More are not told: a layer that was thrown about has one of each file. */
const MOST_REASONS = 20;

/**
 * What is wrong with an unpacked layer, in words; nothing where all is as it should be. Its tar is made again and hashed,
 * and each of its entries looked for, and what is in the folder beside them.
 */
export async function checkLayer(layer: LayerToCheck, signal: AbortSignal): Promise<string[]> {
  const reasons: string[] = [];
  try {
    const expected = await expectedEntries(layer, reasons, signal);
    if (expected) compareTree(layer, expected, reasons);
  } catch (error) {
    if (error instanceof Failure || error instanceof TarError || error instanceof SystemError)
      reasons.push(error.message);
    else throw error;
  }
  const [shown, more] = [reasons.slice(0, MOST_REASONS), reasons.length - MOST_REASONS];
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}

/** The entries of the tar by path, the root's being ``; null where the tar is not what it was. */
async function expectedEntries(
  { folder, tarSplit, diffId }: LayerToCheck,
  reasons: string[],
  signal: AbortSignal,
): Promise<Map<ByteString, TarEntry | null> | null> {
  const hash = createHash('sha256');
  const hashed = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of rebuildTar(folder, tarSplit, signal)) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const reader = new TarReader(hashed());
  const expected = new Map<ByteString, TarEntry | null>([['', null]]);
  try {
    for (let entry = await reader.next(); entry; entry = await reader.next()) {
      reader.takeRaw();
      while ((await reader.read(1 << 20)) !== null);
      expect(expected, entry);
    }
    while ((await reader.trailing()) !== null);
  } finally {
    await reader.close();
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found === diffId) return expected;
  reasons.push(`its tar has the digest ${found}`);
  return null;
}

/** Directories that are on the way to an entry are there too; null stands for what the tar says nothing of. */
function expect(expected: Map<ByteString, TarEntry | null>, entry: TarEntry): void {
  if (entry.kind === 'global' || entry.kind === 'other') return;
  const parts = entry.name.split('/').filter((part) => part !== '' && part !== '.');
  const last = parts.at(-1) ?? '';
  const removed = isMarkName(last) ? removedBy(last) : last;
  for (let i = 1; i < parts.length; i++) {
    const parent = parts.slice(0, i).join('/');
    if (!expected.has(parent)) expected.set(parent, null);
  }
  if (last === OPAQUE_MARK || removed === null || parts.slice(0, -1).some(isMarkName)) return;
  const path = [...parts.slice(0, -1), removed].join('/');
  const isWhiteout = isMarkName(last);
  if (isWhiteout && expected.has(path)) return;
  expected.set(path, isWhiteout ? null : entry);
}

function compareTree(
  { folder, hasMetadata }: LayerToCheck,
  expected: Map<ByteString, TarEntry | null>,
  reasons: string[],
): void {
  const missing = new Set(expected.keys());
  const dirfd = openAt(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
  if (dirfd < 0) {
    reasons.push('its folder cannot be opened');
    return;
  }
  try {
    visitTree(dirfd, '.', '', (object) => {
      const path = object.path.slice(1);
      const entry = expected.get(path);
      missing.delete(path);
      const is = (what: string): number => reasons.push(`${display(`/${path}`)} ${what}`);
      if (entry === undefined) is('is in the folder but not in the layer');
      else if (entry) compareEntry(entry, object.stat, hasMetadata, is, () => readLinkAt(object.dirfd, object.name));
    });
  } finally {
    closeFile(dirfd);
  }
  for (const path of missing) reasons.push(`${display(`/${path}`)} is missing`);
}

const TYPES: Partial<Record<EntryKind, number>> = {
  file: S_IFREG,
  directory: S_IFDIR,
  symlink: S_IFLNK,
  character: S_IFCHR,
  block: S_IFBLK,
  fifo: S_IFIFO,
};

function compareEntry(
  entry: TarEntry,
  stat: Stat,
  hasMetadata: boolean,
  is: (what: string) => void,
  target: () => ByteString | number,
): void {
  const { kind, mode, uid, gid, mtime } = entry;
  // A hard link has what its file has.
  if (kind === 'hardlink') return;
  const isDevice = kind === 'character' || kind === 'block' || kind === 'fifo';
  // Without the right to make devices a file stands for one.
  if ((stat.mode & S_IFMT) !== TYPES[kind] && (hasMetadata || !isDevice)) return is(`is not a ${kind}`);
  if (kind === 'symlink' && target() !== entry.linkName) return is('leads elsewhere');
  if (!hasMetadata) return;
  if (stat.uid !== uid || stat.gid !== gid) is(`has the owner ${stat.uid}:${stat.gid}, not ${uid}:${gid}`);
  if (kind !== 'symlink' && (stat.mode & 0o7777) !== mode)
    is(`has the mode ${(stat.mode & 0o7777).toString(8)}, not ${mode.toString(8)}`);
  if (stat.mtime !== mtime.seconds || stat.mtimeNs !== mtime.nanoseconds) is('has another time of change');
}
