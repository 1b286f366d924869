// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import type { ByteString } from '@shared/bytes';
import {
  closeFile,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openAt,
  readDirectory,
  readFile,
  readLinkAt,
} from '../../src/main/system/files';
import { AT_FDCWD, ERRNO, SystemError } from '../../src/main/system/libc';
import { isDirectory, isRegular, isSocket, isSymlink, statAt, type Stat } from '../../src/main/system/stat';
import { getXattrAt, listXattrsAt } from '../../src/main/system/xattr';

/**
 * Everything that an image can say of a tree, a line an object: what unpackers leave must be what the mount shows. Hard
 * links are told by the first of their names; counts of links and sizes of directories are the file system's own.
 * Sockets are left out, as no tar holds them.
 */
export function seenTree(top: ByteString): string[] {
  const lines: string[] = [];
  const first = new Map<string, ByteString>();
  const visit = (dirfd: number, name: ByteString, path: ByteString): void => {
    const stat = statAt(dirfd, name);
    // A whiteout that the kernel lists where nothing merges: there is no such name.
    if (stat === -ERRNO.ENOENT) return;
    if (typeof stat === 'number') throw new SystemError(-stat, 'statx', path);
    if (isSocket(stat.mode)) return;
    lines.push(
      [path || '/', describe(stat), linkOf(stat, path), told(dirfd, name, stat), xattrs(dirfd, name)].join(' '),
    );
    if (!isDirectory(stat.mode)) return;
    const fd = open(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    for (const { name: child } of readDirectory(fd, path).sort((a, b) => (a.name < b.name ? -1 : 1)))
      if (child !== '.' && child !== '..') visit(fd, child, `${path}/${JSON.stringify(child)}`);
    closeFile(fd);
  };
  const linkOf = (stat: Stat, path: ByteString): string => {
    if (isDirectory(stat.mode)) return '';
    const key = `${stat.devMajor}:${stat.devMinor}:${stat.inoHigh}:${stat.inoLow}`;
    const known = first.get(key);
    first.set(key, known ?? path);
    return known === undefined ? '' : `= ${known}`;
  };
  const root = open(AT_FDCWD, top, O_RDONLY | O_DIRECTORY);
  visit(root, '.', '');
  closeFile(root);
  return lines;
}

function open(dirfd: number, name: ByteString, flags: number): number {
  const fd = openAt(dirfd, name, flags);
  if (fd < 0) throw new SystemError(-fd, 'open', name);
  return fd;
}

function describe({ mode, uid, gid, size, mtime, mtimeNs, rdevMajor, rdevMinor }: Stat): string {
  const bytes = isDirectory(mode) ? '' : ` size=${size}`;
  return `${mode.toString(8)} ${uid}:${gid}${bytes} ${mtime}.${mtimeNs} ${rdevMajor}:${rdevMinor}`;
}

const buffer = Buffer.alloc(1 << 20);

function told(dirfd: number, name: ByteString, stat: Stat): string {
  if (isSymlink(stat.mode)) return `-> ${readLinkAt(dirfd, name)}`;
  if (!isRegular(stat.mode)) return '';
  const fd = open(dirfd, name, O_RDONLY | O_NOFOLLOW);
  const hash = createHash('sha1');
  for (let at = 0; ;) {
    const count = readFile(fd, buffer, buffer.length, at);
    if (count <= 0) break;
    hash.update(buffer.subarray(0, count));
    at += count;
  }
  closeFile(fd);
  return hash.digest('hex').slice(0, 10);
}

function xattrs(dirfd: number, name: ByteString): string {
  const names = listXattrsAt(dirfd, name);
  if (typeof names === 'number') return `! ${names}`;
  return JSON.stringify([...names].sort().map((attribute) => [attribute, getXattrAt(dirfd, name, attribute)]));
}
