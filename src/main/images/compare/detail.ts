// SPDX-License-Identifier: MIT
import { display, textOf, type ByteString } from '@shared/bytes';
import type { ComparedAttribute, ComparedContent, CompareDetail } from '@shared/compare';
import { attributesOf, valueOf } from '../../overlay/differences';
import { topOf, type Entry } from '../../overlay/entry';
import { openData, readLink } from '../../overlay/file-data';
import { lookup } from '../../overlay/lookup';
import { kindOf } from '../../overlay/rows';
import type { OverlayStack } from '../../overlay/stack';
import { visibleName } from '../../overlay/xattr-names';
import { closeFile } from '../../system/files';
import { SystemError } from '../../system/libc';
import { isRegular, statFd, type Stat } from '../../system/stat';
import type { Comparison } from './comparison';
import { contentDifference, type OpenContent } from './content-difference';

/** Everything about one changed name: the attributes that differ, and how the contents do. */
export function compareDetail({ left, right, tree }: Comparison, node: number): CompareDetail {
  const path = tree.table.pathOf(node);
  const was = resolve(left, path);
  const is = resolve(right, path);
  return {
    path: display(path),
    attributes: attributeDifferences(left, was, right, is),
    content: contentOf(left, was, right, is),
  };
}

/** What the path is in one of the trees; null where there is nothing, or nothing that can be looked up. */
function resolve(stack: OverlayStack, path: ByteString): Entry | null {
  try {
    return path
      .split('/')
      .filter((name) => name !== '')
      .reduce((entry, name) => lookup(stack, entry, name), stack.root);
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}

function attributeDifferences(
  left: OverlayStack,
  was: Entry | null,
  right: OverlayStack,
  is: Entry | null,
): ComparedAttribute[] {
  const ours = was ? describe(left, was) : new Map<string, string>();
  const theirs = is ? describe(right, is) : new Map<string, string>();
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .map((name) => ({ name, left: ours.get(name) ?? null, right: theirs.get(name) ?? null }))
    .filter((one) => one.left !== one.right);
}

function describe(stack: OverlayStack, entry: Entry): Map<string, string> {
  const real = topOf(entry);
  const { stat } = real;
  const facts = new Map<string, string>([
    ['type', kindOf(stat)],
    ['mode', (stat.mode & 0o7777).toString(8).padStart(4, '0')],
    ['owner', String(stat.uid)],
    ['group', String(stat.gid)],
  ]);
  if (isRegular(stat.mode)) facts.set('size', String(stat.size));
  // The time of a directory says when a name came or went, not that somebody changed it.
  if (kindOf(stat) !== 'directory') facts.set('modified', timeOf(stat));
  if (kindOf(stat) === 'char' || kindOf(stat) === 'block') facts.set('device', `${stat.rdevMajor}, ${stat.rdevMinor}`);
  if (kindOf(stat) === 'symlink') facts.set('target', display(readLink(stack, entry)));
  for (const stored of attributesOf(stack, real)) {
    const value = valueOf(stack, real, stored);
    const name = visibleName(stored, stack.names);
    if (typeof value === 'string' && name !== null) facts.set(display(name), showValue(value));
  }
  return facts;
}

/** With nanoseconds: two times that look the same to the second may be two. */
function timeOf({ mtime, mtimeNs }: Stat): string {
  const seconds = new Date(mtime * 1000);
  if (Number.isNaN(seconds.getTime())) return `${mtime}.${String(mtimeNs).padStart(9, '0')}`;
  return seconds.toISOString().replace('.000Z', `.${String(mtimeNs).padStart(9, '0')}Z`);
}

function showValue(value: ByteString): string {
  const text = textOf(value);
  if (text !== null && !text.includes('\0')) return display(value);
  return `0x${Buffer.from(value, 'latin1').toString('hex')}`;
}

function contentOf(left: OverlayStack, was: Entry | null, right: OverlayStack, is: Entry | null): ComparedContent {
  const isFile = (entry: Entry | null): boolean => entry !== null && isRegular(topOf(entry).stat.mode);
  if (!isFile(was) && !isFile(is)) return { kind: 'none', why: 'There is no content to compare.' };
  const open: OpenContent[] = [];
  try {
    const [one, other] = [was, is].map((entry, i) => {
      if (!entry || !isFile(entry)) return null;
      const fd = openData(i === 0 ? left : right, entry);
      const content = { fd, size: statFd(fd, entry.name).size };
      open.push(content);
      return content;
    });
    return contentDifference(one ?? null, other ?? null);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    return { kind: 'none', why: `The content cannot be read (${error.code}).` };
  } finally {
    for (const { fd } of open) closeFile(fd);
  }
}
