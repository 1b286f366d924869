// SPDX-License-Identifier: MIT
import type { ByteString } from '@shared/bytes';
import { TYPE, type Header } from './header';
import { paxNumber, paxTime, type TarTime } from './numbers';
import { xattrsOf, type PaxRecords } from './pax';
import type { SparseMap } from './sparse';
import { badTar } from './tar-error';

export type EntryKind =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'hardlink'
  | 'character'
  | 'block'
  | 'fifo'
  /** A global PAX header. */
  | 'global'
  /** A type that no file on disk is made for. */
  | 'other';

/** One entry of a tar, its extended headers worked in. */
export interface TarEntry {
  /** As the archive spells it: `./usr/`, `/etc/passwd`. */
  readonly name: ByteString;
  readonly kind: EntryKind;
  /** The type field, a char. */
  readonly type: string;
  readonly linkName: ByteString;
  /** Permission, set-id and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: TarTime;
  /** Null where the archive does not say. */
  readonly atime: TarTime | null;
  readonly major: number;
  readonly minor: number;
  /** Bytes of the file, holes counted. */
  readonly size: number;
  /** Bytes that the archive has for it, behind its header and its sparse map. */
  readonly stored: number;
  /** Null for a file that is stored whole. */
  readonly sparse: SparseMap | null;
  readonly xattrs: ReadonlyMap<ByteString, ByteString>;
}

const KINDS: Readonly<Record<string, EntryKind>> = {
  [TYPE.file]: 'file',
  [TYPE.oldFile]: 'file',
  [TYPE.contiguous]: 'file',
  [TYPE.sparse]: 'file',
  [TYPE.directory]: 'directory',
  [TYPE.symlink]: 'symlink',
  [TYPE.hardLink]: 'hardlink',
  [TYPE.character]: 'character',
  [TYPE.block]: 'block',
  [TYPE.fifo]: 'fifo',
  [TYPE.globalHeader]: 'global',
};

/** No data follow, whatever the size field says: it may tell the size of a link's target (as Go, GNU tar have it). */
const HEADER_ONLY: ReadonlySet<EntryKind> = new Set(['directory', 'symlink', 'hardlink', 'character', 'block', 'fifo']);

/** What extended headers said about the next entry. */
export interface Extensions {
  /** Of the global headers so far. */
  readonly global: PaxRecords | null;
  readonly local: PaxRecords | null;
  readonly longName: ByteString | null;
  readonly longLink: ByteString | null;
}

/** Works extended headers into a header. The sparse map is the reader's to add. */
export function entryOf(header: Header, { global, local, longName, longLink }: Extensions): TarEntry {
  const records = combined(global, local);
  const value = (key: string): ByteString | undefined => records?.get(key) || undefined;
  const number = (key: string, plain: number): number => {
    const text = value(key);
    return text === undefined ? plain : paxNumber(text, key);
  };
  const name = value('GNU.sparse.name') ?? longName ?? value('path') ?? header.name;
  const oldDirectory = header.type === TYPE.oldFile && name.endsWith('/');
  const kind = oldDirectory ? 'directory' : (KINDS[header.type] ?? 'other');
  const size = HEADER_ONLY.has(kind) ? 0 : number('size', header.size);
  if (size < 0) badTar('its size is negative');
  const mtime = value('mtime');
  const atime = value('atime');
  return {
    name,
    kind,
    type: header.type,
    linkName: longLink ?? value('linkpath') ?? header.linkName,
    mode: header.mode & 0o7777,
    uid: owner(number('uid', header.uid), 'uid'),
    gid: owner(number('gid', header.gid), 'gid'),
    mtime: mtime === undefined ? whole(header.mtime) : paxTime(mtime, 'mtime'),
    atime: atime !== undefined ? paxTime(atime, 'atime') : header.atime === null ? null : whole(header.atime),
    major: number('SCHILY.devmajor', header.major),
    minor: number('SCHILY.devminor', header.minor),
    size,
    stored: size,
    sparse: null,
    xattrs: records === null ? NO_XATTRS : xattrsOf(records),
  };
}

const NO_XATTRS: ReadonlyMap<ByteString, ByteString> = new Map();

const whole = (seconds: number): TarTime => ({ seconds, nanoseconds: 0 });

function combined(global: PaxRecords | null, local: PaxRecords | null): PaxRecords | null {
  if (global === null || global.size === 0) return local;
  return local === null ? global : new Map([...global, ...local]);
}

/** The last id means "no change" to chown(2). */
const MOST = 0xffff_fffe;

function owner(id: number, field: string): number {
  if (id < 0 || id > MOST) badTar(`its ${field} ${id} is none that Linux has`);
  return id;
}
