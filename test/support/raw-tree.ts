// SPDX-License-Identifier: MIT
import { readlinkSync } from 'node:fs';
import type { ByteString } from '@shared/bytes';
import { openHandle } from '../../src/main/system/file-handle';
import {
  closeFile,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openAt,
  readDirectory,
  readFile,
  readLinkAt,
} from '../../src/main/system/files';
import { AT_FDCWD, SystemError } from '../../src/main/system/libc';
import { isDirectory, isRegular, isSymlink, S_IFCHR, S_IFMT, statAt, type Stat } from '../../src/main/system/stat';
import { getXattrAt, listXattrsAt } from '../../src/main/system/xattr';

/**
 * An upper as it is on disk, a line an object: what a mount of Lamina's leaves must be what the kernel's leaves. Handles
 * are told as the path that they lead to, from `folder` on; times since `now` as such; the UUID by its length.
 */
export function rawTree(top: ByteString, folder: ByteString, now: number): string[] {
  const lines: string[] = [];
  const root = open(AT_FDCWD, top, O_RDONLY | O_DIRECTORY);
  const visit = (dirfd: number, name: ByteString, path: string): void => {
    const stat = statAt(dirfd, name);
    if (typeof stat === 'number') throw new SystemError(-stat, 'statx', path);
    lines.push(`${path} ${describe(stat, now)}${content(dirfd, name, stat)} ${xattrs(dirfd, name, root, folder)}`);
    if (!isDirectory(stat.mode)) return;
    const fd = open(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const names = readDirectory(fd, path).map((entry) => entry.name);
    for (const child of names.sort()) {
      if (child !== '.' && child !== '..') visit(fd, child, `${path}/${JSON.stringify(child)}`);
    }
    closeFile(fd);
  };
  visit(root, '.', '');
  closeFile(root);
  return lines;
}

function open(dirfd: number, name: ByteString, flags: number): number {
  const fd = openAt(dirfd, name, flags);
  if (fd < 0) throw new SystemError(-fd, 'open', name);
  return fd;
}

function describe(stat: Stat, now: number): string {
  const { mode, uid, gid, nlink, mtime, mtimeNs, rdevMajor, rdevMinor } = stat;
  const isWhiteout = (mode & S_IFMT) === S_IFCHR && rdevMajor === 0 && rdevMinor === 0;
  // Whiteouts are links of one inode, whose number of links and times say nothing (semantics 1.3).
  if (isWhiteout) return 'whiteout';
  const links = isDirectory(mode) ? '' : ` nlink=${nlink}`;
  const size = isDirectory(mode) ? '' : ` size=${stat.size}`;
  const time = mtime >= now ? 'now' : `${mtime}.${mtimeNs}`;
  return `${mode.toString(8)} ${uid}:${gid}${size}${links} ${time} ${rdevMajor}:${rdevMinor}`;
}

const buffer = Buffer.alloc(1 << 17);

function content(dirfd: number, name: ByteString, stat: Stat): string {
  if (isSymlink(stat.mode)) return ` -> ${readLinkAt(dirfd, name)}`;
  if (!isRegular(stat.mode)) return '';
  const fd = open(dirfd, name, O_RDONLY | O_NOFOLLOW);
  const count = readFile(fd, buffer, buffer.length, 0);
  closeFile(fd);
  return ` ${JSON.stringify(buffer.toString('latin1', 0, count))}`;
}

function xattrs(dirfd: number, name: ByteString, root: number, folder: ByteString): string {
  const names = listXattrsAt(dirfd, name);
  if (typeof names === 'number') return `! ${names}`;
  const told = [...names].sort().map((attribute) => {
    const value = getXattrAt(dirfd, name, attribute);
    if (/\.overlay\.(origin|upper)$/.test(attribute)) return [attribute, target(String(value), root, folder)];
    if (/\.overlay\.uuid$/.test(attribute)) return [attribute, String(value).length];
    return [attribute, value];
  });
  return JSON.stringify(told);
}

/** Where a handle leads: its header (semantics 1.5) is kept, all but the handle itself. */
function target(blob: ByteString, root: number, folder: ByteString): string {
  if (blob.length < 21) return JSON.stringify(blob);
  const fd = openHandle(root, { type: blob.charCodeAt(4), bytes: blob.slice(21) }, O_PATH);
  const head = `v${blob.charCodeAt(0)} flags ${blob.charCodeAt(3)} type ${blob.charCodeAt(4)}`;
  if (fd < 0) return `${head} gone`;
  const path = readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).toString('latin1');
  const stat = statAt(fd, '');
  closeFile(fd);
  // Of hard links any of the names may be told; a name that nobody looked up is not known at all.
  const isFile = typeof stat !== 'number' && !isDirectory(stat.mode);
  return `${head} ${isFile ? 'file' : path.replace(folder, '')}`;
}
