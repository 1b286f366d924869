// SPDX-License-Identifier: MIT
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
import { AT_FDCWD, SystemError } from '../../src/main/system/libc';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, statAt, type Stat } from '../../src/main/system/stat';
import { getXattrAt, listXattrsAt } from '../../src/main/system/xattr';
import { blocksOf, linksOf, openData, readLink } from '../../src/main/overlay/file-data';
import { topOf, type Entry } from '../../src/main/overlay/entry';
import { lookup } from '../../src/main/overlay/lookup';
import { listNames } from '../../src/main/overlay/readdir';
import type { OverlayStack } from '../../src/main/overlay/stack';
import { getXattr, listXattrs } from '../../src/main/overlay/xattrs';

/** One way to look at a merged tree: through a mount, or through the engine. `T` is a handle on an object. */
export interface Viewer<T> {
  readonly root: T;
  find(parent: T, name: ByteString): T;
  stat(
    object: T,
  ): Pick<Stat, 'mode' | 'uid' | 'gid' | 'size' | 'nlink' | 'mtime' | 'mtimeNs' | 'rdevMajor' | 'rdevMinor' | 'blocks'>;
  names(directory: T): ByteString[];
  xattrNames(object: T): readonly ByteString[];
  xattr(object: T, name: ByteString): ByteString | number;
  readlink(object: T): ByteString;
  /** The whole content, or an error from open or read. */
  content(object: T): ByteString;
  done?(object: T): void;
}

/** How deep to look, and whether the order of listed names counts. */
export interface SnapshotLimits {
  readonly depth: number;
  readonly ordered: boolean;
}

/** Everything a program can see, a line an observation; equal views give equal texts. */
export function snapshot<T>(viewer: Viewer<T>, candidates: readonly ByteString[], limits: SnapshotLimits): string[] {
  const lines: string[] = [];
  const note = (path: string, what: string, observe: () => string): boolean => {
    try {
      lines.push(`${path} ${what} ${observe()}`);
      return true;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      lines.push(`${path} ${what} ! ${error.code}`);
      return false;
    }
  };
  const visit = (object: T, path: string, depth: number): void => {
    const stat = viewer.stat(object);
    lines.push(`${path} stat ${describe(stat)}`);
    note(path, 'xattrs', () => describeXattrs(viewer, object));
    const type = stat.mode & S_IFMT;
    if (type === S_IFLNK) note(path, 'link', () => JSON.stringify(viewer.readlink(object)));
    if (type === S_IFREG) note(path, 'data', () => JSON.stringify(viewer.content(object)));
    if (type === S_IFDIR) visitDirectory(object, path, depth);
  };
  const visitDirectory = (object: T, path: string, depth: number): void => {
    let names: ByteString[] = [];
    note(path, 'names', () => {
      names = viewer.names(object);
      return JSON.stringify(limits.ordered ? names : [...names].sort());
    });
    if (depth >= limits.depth) return;
    for (const name of [...new Set([...names, ...candidates])].sort()) {
      if (name === '.' || name === '..') continue;
      let child: T | null = null;
      const below = `${path}/${JSON.stringify(name)}`;
      note(below, 'lookup', () => {
        child = viewer.find(object, name);
        return 'ok';
      });
      if (child !== null) visit(child, below, depth + 1);
      if (child !== null) viewer.done?.(child);
    }
  };
  visit(viewer.root, '', 0);
  return lines;
}

function describe(stat: ReturnType<Viewer<unknown>['stat']>): string {
  const { mode, uid, gid, nlink, mtime, mtimeNs, rdevMajor, rdevMinor } = stat;
  const size = (mode & S_IFMT) === S_IFDIR ? '' : `size=${stat.size} `;
  const device = (mode & S_IFMT) === 0o020000 || (mode & S_IFMT) === 0o060000 ? ` rdev=${rdevMajor}:${rdevMinor}` : '';
  return `${mode.toString(8)} ${uid}:${gid} ${size}nlink=${nlink} mtime=${mtime}.${mtimeNs}${device}`;
}

function describeXattrs<T>(viewer: Viewer<T>, object: T): string {
  const names = [...viewer.xattrNames(object)].sort();
  const hidden = ['trusted.overlay.opaque', 'user.overlay.redirect', 'trusted.overlay.foo'];
  return JSON.stringify([...names, ...hidden].map((name) => [name, viewer.xattr(object, name)]));
}

interface Located {
  readonly dirfd: number;
  readonly name: ByteString;
}

function check<T>(value: T | number, syscall: string, name: ByteString): T {
  if (typeof value === 'number' && value < 0) throw new SystemError(-value, syscall, name);
  return value as T;
}

/** Looks at a mounted tree with ordinary system calls. */
export function mountViewer(mountpoint: ByteString): Viewer<Located> & { close(): void } {
  const rootFd = check(openAt(AT_FDCWD, mountpoint, O_RDONLY | O_DIRECTORY), 'open', mountpoint);
  const opened = new Map<Located, number>();
  const directory = (located: Located): number => {
    const known = opened.get(located);
    if (known !== undefined) return known;
    const fd = check(openAt(located.dirfd, located.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), 'open', located.name);
    opened.set(located, fd);
    return fd;
  };
  const stat = ({ dirfd, name }: Located): Stat => check(statAt(dirfd, name), 'stat', name) as Stat;
  return {
    root: { dirfd: rootFd, name: '.' },
    find(parent, name) {
      const located = { dirfd: directory(parent), name };
      stat(located);
      return located;
    },
    stat,
    names: (located) => settledNames(directory(located), located.name),
    xattrNames: ({ dirfd, name }) => check(listXattrsAt(dirfd, name), 'listxattr', name) as readonly ByteString[],
    xattr: ({ dirfd, name }, attribute) => getXattrAt(dirfd, name, attribute),
    readlink: ({ dirfd, name }) => check(readLinkAt(dirfd, name), 'readlink', name) as ByteString,
    content: ({ dirfd, name }) => wholeFile(check(openAt(dirfd, name, O_RDONLY | O_NOFOLLOW), 'open', name), name),
    done(located) {
      const fd = opened.get(located);
      if (fd !== undefined) closeFile(fd);
      opened.delete(located);
    },
    close() {
      for (const fd of opened.values()) closeFile(fd);
      closeFile(rootFd);
    },
  };
}

/**
 * In an `opaque=x` directory a name whose lookup fails makes the kernel's getdents(2) fail once, unless names came
 * before it in the same call; the next call skips it (docs/differences.md). The listing that it settles on counts.
 */
function settledNames(fd: number, path: ByteString): ByteString[] {
  for (let attempt = 0; ; attempt++) {
    try {
      return readDirectory(fd, path).map(({ name }) => name);
    } catch (error) {
      if (!(error instanceof SystemError) || attempt === 20) throw error;
    }
  }
}

/** Enough for the small files of the tests; longer ones are compared by their first part and their size. */
const CONTENT = Buffer.alloc(65536);

function wholeFile(fd: number, name: ByteString): ByteString {
  try {
    const count = check(readFile(fd, CONTENT, CONTENT.length, 0), 'read', name) as number;
    return CONTENT.toString('latin1', 0, count);
  } finally {
    closeFile(fd);
  }
}

/** Where the resolution of a name leads, for comparison; an error by its name. */
function resolution(find: () => Entry): string {
  try {
    const { upper, lowers, lazyData, metacopy } = find();
    const reals = [upper, ...lowers].map((real) => real && `${real.layer.index}:${real.parent.path}/${real.name}`);
    return JSON.stringify([reals, lazyData, metacopy]);
  } catch (error) {
    if (error instanceof SystemError) return error.code;
    throw error;
  }
}

/**
 * Looks at a stack through the engine alone. Each listed name is also looked up with what the listing says of its
 * components, as READDIRPLUS does: that must lead to the same.
 */
export function engineViewer(stack: OverlayStack): Viewer<Entry> {
  const listed = new Map<Entry, Map<ByteString, number>>();
  return {
    root: stack.root,
    find(parent, name) {
      const components = listed.get(parent)?.get(name);
      const plain = (): Entry => lookup(stack, parent, name);
      if (components !== undefined) {
        const [short, whole] = [resolution(() => lookup(stack, parent, name, null, components)), resolution(plain)];
        if (short !== whole) throw new Error(`${name}: ${short} by its components, ${whole} by all`);
      }
      return plain();
    },
    stat: (entry) => ({ ...topOf(entry).stat, nlink: linksOf(stack, entry), blocks: blocksOf(entry) }),
    names(entry) {
      const names = listNames(stack, entry);
      listed.set(entry, new Map(names.map(({ name, components }) => [name, components])));
      return names.map(({ name }) => name);
    },
    xattrNames: (entry) => listXattrs(stack, entry),
    xattr: (entry, name) => getXattr(stack, entry, name),
    readlink: (entry) => readLink(stack, entry),
    content: (entry) => wholeFile(openData(stack, entry), entry.name),
  };
}

/** The first observations in which two views differ, for a message. */
export function firstDifferences(left: readonly string[], right: readonly string[], most = 6): string[] {
  const inRight = new Set(right);
  const inLeft = new Set(left);
  return [
    ...left
      .filter((line) => !inRight.has(line))
      .slice(0, most)
      .map((line) => `- ${line}`),
    ...right
      .filter((line) => !inLeft.has(line))
      .slice(0, most)
      .map((line) => `+ ${line}`),
  ];
}
